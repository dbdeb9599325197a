"""Checksum and COBS as viper kernels; the rules of kernels.py hold. No allocation."""

import micropython


@micropython.viper
def crc_table(table_o):
    """Table of the reflected CRC-32 (0xEDB88320) into 256 words. binascii.crc32 would box its result."""
    table = ptr32(table_o)
    i = 0
    while i < 256:
        crc = uint(i)
        k = 0
        while k < 8:
            if crc & 1:
                crc = (crc >> 1) ^ uint(0xEDB88320)
            else:
                crc = crc >> 1
            k += 1
        table[i] = int(crc)
        i += 1


@micropython.viper
def crc_append(buffer_o, count: int, table_o):
    """CRC-32 of the first `count` bytes, little-endian, behind them."""
    buffer = ptr8(buffer_o)
    table = ptr32(table_o)
    crc = uint(0xFFFFFFFF)
    i = 0
    while i < count:
        crc = uint(table[int((crc ^ uint(buffer[i])) & 0xFF)]) ^ (crc >> 8)
        i += 1
    crc = crc ^ uint(0xFFFFFFFF)
    buffer[count] = int(crc & 0xFF)
    buffer[count + 1] = int((crc >> 8) & 0xFF)
    buffer[count + 2] = int((crc >> 16) & 0xFF)
    buffer[count + 3] = int((crc >> 24) & 0xFF)


@micropython.viper
def crc_holds(buffer_o, count: int, table_o) -> int:
    """1 if the last 4 of `count` bytes are the CRC-32 of those before them."""
    buffer = ptr8(buffer_o)
    table = ptr32(table_o)
    crc = uint(0xFFFFFFFF)
    end = count - 4
    i = 0
    while i < end:
        crc = uint(table[int((crc ^ uint(buffer[i])) & 0xFF)]) ^ (crc >> 8)
        i += 1
    crc = crc ^ uint(0xFFFFFFFF)
    k = 0
    while k < 4:
        if int((crc >> (k << 3)) & 0xFF) != buffer[end + k]:
            return 0
        k += 1
    return 1


@micropython.viper
def cobs_encode(source_o, count: int, target_o) -> int:
    """COBS and the closing zero into `target`; returns the bytes, at most count + count // 254 + 2."""
    source = ptr8(source_o)
    target = ptr8(target_o)
    code_at = 0
    run = 1
    to = 1
    i = 0
    while i < count:
        byte = source[i]
        i += 1
        if byte:
            target[to] = byte
            to += 1
            run += 1
        if byte == 0 or (run == 255 and i < count):
            target[code_at] = run
            code_at = to
            to += 1
            run = 1
    target[code_at] = run
    target[to] = 0
    return to + 1


@micropython.viper
def cobs_decode(buffer_o, count: int) -> int:
    """COBS undone in place, without the closing zero; returns the bytes, or 0 where a code points outside."""
    buffer = ptr8(buffer_o)
    i = 0
    to = 0
    while i < count:
        code = buffer[i]
        i += 1
        end = i + code - 1
        if code == 0 or end > count:
            return 0
        while i < end:
            buffer[to] = buffer[i]
            to += 1
            i += 1
        if code < 255 and i < count:
            buffer[to] = 0
            to += 1
    return to
