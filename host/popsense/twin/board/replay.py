"""Samples from a buffer into the detector, as fast as the interpreter goes."""

import micropython


@micropython.viper
def replay(step, samples_o, first: int, end: int):
    """step(force code, depth, ticks) for each of the samples [first, end): three 32-bit words each."""
    samples = ptr32(samples_o)
    word = first * 3
    last = end * 3
    while word < last:
        step(samples[word], samples[word + 1], samples[word + 2])
        word += 3
