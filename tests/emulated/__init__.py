"""A Raspberry Pi Pico in an emulator (rp2040py) with the bone's chips on its pins, and tests that boot it.

The image of MicroPython is no part of this repository: POPSENSE_UF2 names it, or it lies in
~/.cache/popsense/pico.uf2. What is measured here holds without misses of the flash cache.
"""
