"""The firmware's process, in lockstep: virtual time and bytes go in, bytes and the time reached come out.

The records are those of board/usb.py; the child runs only while an exchange is under way.
"""

import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from popsense.twin.board import usb, world
from popsense.twin.child_process import ChildProcess
from popsense.twin.defects import POWER_ON, Defect, Restart
from popsense.twin.firmware_files import firmware_root
from popsense.twin.interpreter import Interpreter
from popsense.twin.script import SensorScript

HOST_RECORD = struct.Struct(usb.HOST_RECORD)
# The child's records without the byte that tells them apart.
DATA_RECORD = struct.Struct(usb.DATA_RECORD.replace("B", "", 1))
END_RECORD = struct.Struct(usb.END_RECORD.replace("B", "", 1))


class Exchange(NamedTuple):
    """What one grant of virtual time brought. origin_us: device clock at the script's first sample."""

    data: bytes
    now_us: int
    origin_us: int | None
    ended: bool


class FirmwareChild(ChildProcess):
    """One power-on of the simulated board; `boot` counts them, each has a boot id of its own."""

    def __init__(
        self,
        script: SensorScript,
        interpreter: Interpreter,
        seed: int,
        boot: int = 0,
        defects: Sequence[Defect] = (),
        restart: Restart = POWER_ON,
    ) -> None:
        options = {
            "script": "script.u16",
            "period_ns": script.sample_period_ns,
            "rest_samples": script.rest_samples,
            "converter": script.chip,
            "board_id": f"{0x7457494E00000000 + seed % 2**32:016x}",  # "tWIN" and the seed
            "boot_id": (seed * 2654435761 + boot * 40503 + 1) % 2**32,
            "reset_cause": restart.cause,
            "scratch0": restart.scratch0,
            "defects": sorted(defects, key=lambda defect: defect.sample),
        }
        super().__init__(
            interpreter,
            "board/run_firmware.py",
            options,
            firmware_root(),
            "the simulated board",
            lambda folder: _lay_in(folder, script, restart.flash),
        )
        try:
            self._receive()
        except BaseException:
            self.close()
            raise

    def exchange(
        self, grant_us: int, data: bytes = b"", flags: int = usb.FLAG_DTR | usb.FLAG_READING
    ) -> Exchange:
        """Lets the firmware run for `grant_us` of virtual time. TwinError with its traceback if it died."""
        self.write(HOST_RECORD.pack(grant_us, len(data), flags) + data)
        return self._receive()

    def _receive(self) -> Exchange:
        data = bytearray()
        while (kind := self.read(1)[0]) == usb.DATA:
            (count,) = DATA_RECORD.unpack(self.read(DATA_RECORD.size))
            data += self.read(count)
        if kind != usb.END:
            raise self.broken()
        now_us, origin_us, ended = END_RECORD.unpack(self.read(END_RECORD.size))
        return Exchange(bytes(data), now_us, None if origin_us == world.NOT_BEGUN else origin_us, bool(ended))


def _lay_in(folder: Path, script: SensorScript, flash: Mapping[str, bytes]) -> None:
    """What the child finds: the script, and the calibration files on its flash."""
    script.write(folder / "script.u16")
    if flash:
        (folder / "calibration").mkdir()
    for name, content in flash.items():
        (folder / "calibration" / name).write_bytes(content)
