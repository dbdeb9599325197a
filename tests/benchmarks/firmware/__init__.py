"""The parts of `make bench-firmware`: the firmware on an emulated Pico, its heap over time, its size."""
