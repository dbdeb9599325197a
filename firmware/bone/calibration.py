"""The calibration records on flash, one file a sensor, and the straight lines of which they are made.

The device needs them for its own detector and faults only; on the wire are counts. Integers throughout, and
every intermediate is within 30 bits and a sign: nothing here grows beyond MicroPython's small integers.

A file is _MAGIC, the sensor, three zeros, the record as in WRITE_CALIBRATION, CRC-32. It is written under
another name, read back and then renamed: littlefs commits a file when it is flushed and renames it in one
step, so a start finds the old record or the new one. Flash writes stop interrupts: never while sampling.
"""

import binascii
import os
import struct

from bone import settings as s
from bone import wire

NAMES = ("force.cal", "depth.cal", "pressure.cal")  # by wire.SENSOR_*
POINTS = 16
RECORD_SIZE = wire.WRITE_CALIBRATION_SIZE - 4
_RECORD_FORMAT = "<B3sIIII16i16i"
_NOTHING = bytes(RECORD_SIZE)
_MAGIC = b"PSC\x01"  # the last byte is the version of this layout
_FILE_SIZE = 8 + RECORD_SIZE + 4
_MOST_BAD = 9  # damaged files that are kept, of one sensor

_MOST = 1 << 29  # of any point, so that a difference of two is within 30 bits
_LEAST_COUNTS = (-(1 << 23), 0, 0)
_MOST_COUNTS = ((1 << 23) - 1, 16383, 16383)
# The detector takes no more; the nominal scales stay below with every profile that it accepts.
_MOST_FORCE_SPAN = 1 << 26
_MOST_DEPTH_SPAN = 1 << 22
_MOST_FLEX_FACTOR = 3839  # nominal, of the softest plug that a profile may have
_SATURATED = 0x3FFFFFFF


class Calibrations:
    """What the folder holds. corrupt: 1 << sensor for each file that cannot be used; it stays where it is."""

    def __init__(self, folder, nano_n_per_count=s.FORCE_NANO_N_PER_COUNT):
        self._folder = folder
        self._nano_n_per_count = nano_n_per_count
        self._records = [b""] * len(NAMES)  # empty: none
        self.corrupt = 0
        self.load()

    def load(self):
        """Reads all files. Allocates: never while sampling."""
        self.corrupt = 0
        for sensor in range(len(NAMES)):
            found = self._read(sensor, self._path(sensor))
            self._records[sensor] = found or b""
            if found == b"":
                self.corrupt |= 1 << sensor

    def combined_id(self, fitted):
        """One number for the records of the sensors that are fitted (a bool each); 0 where one has none.

        CRC-32 of their ids, those of other sensors 0; 1 where that is 0.
        """
        ids = [0, 0, 0]
        for sensor in range(len(NAMES)):
            if fitted[sensor]:
                if not self._records[sensor]:
                    return 0
                ids[sensor] = struct.unpack_from("<I", self._records[sensor], 4)[0]
        return binascii.crc32(struct.pack("<III", *ids)) or 1

    def pack_into(self, sensor, payload, at):
        """The record of one sensor as on the wire, RECORD_SIZE bytes from `at` on; zeros for none.

        The one thing here that allocates nothing: it may be asked for while sampling.
        """
        record = self._records[sensor] or _NOTHING
        for k in range(RECORD_SIZE):
            payload[at + k] = record[k]

    def store(self, sensor, record):
        """0, or the reason for NAK. A record without points removes what is there."""
        if sensor >= len(NAMES) or not _can_be_meant(sensor, record):
            return wire.NAK_MALFORMED
        try:
            if record[0]:
                self._write(sensor, bytes(record))
                self._records[sensor] = bytes(record)
            else:
                self._remove(sensor)
                self._records[sensor] = b""
        except OSError:
            return wire.NAK_FLASH_FAILED
        self.corrupt &= ~(1 << sensor)
        return 0

    def scales(self):
        """The conversions that hold now."""
        tables = [table(record) if record else None for record in self._records]
        return Scales(*tables, nano_n_per_count=self._nano_n_per_count)

    def _path(self, sensor):
        return self._folder + "/" + NAMES[sensor]

    def _read(self, sensor, path):
        """The record; b"" where the file cannot be used, None where there is none."""
        try:
            with open(path, "rb") as file:
                content = file.read(_FILE_SIZE + 1)
        except OSError as error:
            return None if error.args[0] in (2, 20) else b""  # ENOENT, ENOTDIR
        if len(content) != _FILE_SIZE or content != _file(sensor, content[8:-4]):
            return b""
        record = content[8:-4]
        return record if record[0] and _can_be_meant(sensor, record) else b""

    def _write(self, sensor, record):
        """OSError where the flash does not hold it afterwards; what was there before is there still."""
        path = self._path(sensor)
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # it is there; where not, the next line says so
        with open(path + ".new", "wb") as file:
            file.write(_file(sensor, record))
            file.flush()
        if self._read(sensor, path + ".new") != record:
            raise OSError(5)
        self._put_bad_aside(sensor)
        _replace(path + ".new", path)

    def _remove(self, sensor):
        self._put_bad_aside(sensor)
        try:
            os.remove(self._path(sensor))
        except OSError as error:
            if error.args[0] not in (2, 20):
                raise

    def _put_bad_aside(self, sensor):
        """A damaged file gets the first free name of NAME.bad1 to .bad9: what it held may be wanted."""
        if not self.corrupt >> sensor & 1:
            return
        for number in range(1, _MOST_BAD + 1):
            aside = self._path(sensor) + ".bad%d" % number
            if not _exists(aside):
                break
        try:
            _replace(self._path(sensor), aside)
        except OSError as error:
            if error.args[0] not in (2, 20):
                raise


class Scales:
    """Integer conversions. A table is (counts, milliunits) of the points; None = the nominal scale."""

    def __init__(self, force=None, depth=None, pressure=None, nano_n_per_count=s.FORCE_NANO_N_PER_COUNT):
        self._nano_n_per_count = nano_n_per_count
        self._force = force
        self._depth = depth
        self._pressure = pressure

    def force_counts(self, millinewton):
        """Counts from 0 mN to so many."""
        if self._force is None:
            return times_over(millinewton, 1000000, self._nano_n_per_count)
        return _span(self._force, millinewton, _MOST_FORCE_SPAN)

    def depth_counts(self, micrometre):
        """Counts from 0 um to so many."""
        if self._depth is None:
            return times_over(micrometre, 1000000, s.DEPTH_NANO_MM_PER_COUNT)
        return _span(self._depth, micrometre, _MOST_DEPTH_SPAN)

    def flex_factor(self, nm_per_n):
        """Depth counts of plug flex per 1024 force counts, times 4096.

        Of tables: the lines through their values at 0 and 100 N, at 0 and 10 mm.
        """
        if self._force is None and self._depth is None:
            nano_mm = times_over(1024 * self._nano_n_per_count, nm_per_n, 1000000)
            return times_over(nano_mm, 4096, s.DEPTH_NANO_MM_PER_COUNT)
        per_100_n = max(1, self.force_counts(100000))
        per_10_mm = max(0, self.depth_counts(10000))
        factor = times_over(times_over(nm_per_n * 100, 1 << 22, per_100_n), per_10_mm, 10000000)
        return min(_MOST_FLEX_FACTOR, factor)

    def force_mn(self, counts):
        """mN of a reading; of a sensor without a record from its nominal zero on."""
        if self._force is None:
            return times_over(counts - s.FORCE_ZERO_COUNTS, self._nano_n_per_count, 1000000)
        return line_through(self._force[0], self._force[1], counts)

    def pressure_pa(self, counts):
        """Pa of a reading."""
        if self._pressure is None:
            return times_over(counts - s.PRESSURE_ZERO_COUNTS, s.PRESSURE_NANO_KPA_PER_COUNT, 1000000)
        return line_through(self._pressure[0], self._pressure[1], counts)


def table(record):
    """Points of a record as (counts, milliunits)."""
    values = struct.unpack_from(_RECORD_FORMAT, record)
    count, points = values[0], values[6:]
    return points[:count], points[POINTS : POINTS + count]


def line_through(xs, ys, x):
    """Value at x: straight lines between the points, those at the ends go on; rounded down, within 2^29.

    xs: never falling. Beyond an end where two of them are the same it is that limit at once.
    """
    last = len(xs) - 2
    k = 0
    while k < last and x >= xs[k + 1]:
        k += 1
    run = xs[k + 1] - xs[k]
    if run == 0:
        return _MOST if x >= xs[k] else -_MOST
    step = times_over(x - xs[k], ys[k + 1] - ys[k], run)
    return _within(ys[k] + _within(step, _MOST), _MOST)


def times_over(a, b, c):
    """a * b // c without the product: digit by digit. Saturates at 2^30 - 1 either way.

    |a|, b and c within 2^30 - 1; b >= 0, c > 0.
    """
    if a < 0:
        whole, rest = _times_over(-a, b, c)
        return -whole - 1 if rest and whole < _SATURATED else -whole
    return _times_over(a, b, c)[0]


def _times_over(a, b, c):
    """Quotient and remainder of a * b over c; what is doubled or added is compared with its room first."""
    b_whole, b_rest = b // c, b % c
    whole = rest = 0
    bit = 1 << 29
    while bit:
        carry = 1 if rest >= c - rest else 0
        rest = rest - (c - rest) if carry else rest + rest
        if whole > _SATURATED >> 1:
            return _SATURATED, 0
        whole = whole + whole + carry
        if a & bit:
            carry = 1 if rest >= c - b_rest else 0
            rest = rest - (c - b_rest) if carry else rest + b_rest
            if b_whole > _SATURATED - carry - whole:
                return _SATURATED, 0
            whole += b_whole + carry
        bit >>= 1
    return whole, rest


def _span(points, milliunits, most):
    counts, units = points
    # Where the table begins above 0 (or ends below), its end line goes on to 0.
    span = line_through(units, counts, min(milliunits, _MOST - 1)) - line_through(units, counts, 0)
    return _within(span, most)


def _within(value, most):
    return max(-most, min(most, value))


def _can_be_meant(sensor, record):
    if len(record) != RECORD_SIZE:
        return False
    values = struct.unpack_from(_RECORD_FORMAT, record)
    count, reserved, identity = values[:3]
    if reserved != b"\0\0\0" or (count and not identity) or count == 1 or count > POINTS:
        return False
    counts, milliunits = values[6 : 6 + POINTS], values[6 + POINTS :]
    if any(counts[count:]) or any(milliunits[count:]):
        return False
    return count == 0 or _is_a_line(sensor, counts[:count], milliunits[:count])


def _is_a_line(sensor, counts, milliunits):
    """Strictly rising readings within the sensor's range; units that never fall, and rise at all."""
    if counts[0] < _LEAST_COUNTS[sensor] or counts[-1] > _MOST_COUNTS[sensor]:
        return False
    if milliunits[0] <= -_MOST or milliunits[-1] >= _MOST or milliunits[-1] == milliunits[0]:
        return False
    for k in range(1, len(counts)):
        if counts[k] <= counts[k - 1] or milliunits[k] < milliunits[k - 1]:
            return False
    return True


def _file(sensor, record):
    content = _MAGIC + bytes((sensor, 0, 0, 0)) + record
    return content + struct.pack("<I", binascii.crc32(content))


def _exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _replace(source, target):
    """Over what is there: MicroPython's rename does that, CPython's on Windows does not."""
    getattr(os, "replace", os.rename)(source, target)
