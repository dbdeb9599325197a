"""bone/calibration.py in a folder that the test gives. In: [operation, argument] a line. Out: its result."""

import json
import sys

from bone import calibration, settings

found = []  # the Calibrations that were loaded, the last one counts


def load(folder):
    found.append(calibration.Calibrations(folder))
    return found[-1].corrupt


def store(given):
    sensor, text = given
    return found[-1].store(sensor, bytes.fromhex(text))


def combined_id(fitted):
    return found[-1].combined_id(fitted)


def record(sensor):
    payload = bytearray(4 + calibration.RECORD_SIZE)
    found[-1].pack_into(sensor, payload, 4)
    return bytes(payload[4:]).hex()


def convert(values):
    scales = found[-1].scales()
    return [
        [scales.force_counts(value) for value in values],
        [scales.depth_counts(value) for value in values],
        [scales.flex_factor(value % 9001) for value in values],
        [scales.force_mn(value) for value in values],
        [scales.pressure_pa(value) for value in values],
    ]


def nominal(values):
    """As long integers make it."""
    s = settings
    nano_mm = [1024 * s.FORCE_NANO_N_PER_COUNT * (value % 9001) // 1000000 for value in values]
    return [
        [value * 1000000 // s.FORCE_NANO_N_PER_COUNT for value in values],
        [value * 1000000 // s.DEPTH_NANO_MM_PER_COUNT for value in values],
        [4096 * nano // s.DEPTH_NANO_MM_PER_COUNT for nano in nano_mm],
        [(value - s.FORCE_ZERO_COUNTS) * s.FORCE_NANO_N_PER_COUNT // 1000000 for value in values],
        [(value - s.PRESSURE_ZERO_COUNTS) * s.PRESSURE_NANO_KPA_PER_COUNT // 1000000 for value in values],
    ]


OPERATIONS = {
    "load": load,
    "store": store,
    "record": record,
    "combined_id": combined_id,
    "convert": convert,
    "nominal": nominal,
}
for line in sys.stdin:
    operation, argument = json.loads(line)
    print(json.dumps(OPERATIONS[operation](argument)))
