"""Boards that have no port to look at: not attached, or in their boot loader."""

from pathlib import Path

import pytest

from popsense.technician.ports import Port
from popsense.technician.usb_checks import BootLoader, boot_loaders, check_usb
from tests.host.technician.machines import NAMED, PICO, machine, only_failure

RP2040, RP2350, OURS = (0x2E8A, 0x0003), (0x2E8A, 0x000F), (0x2E8A, 0x0005)
INFO = "UF2 Bootloader v2.0\nModel: Raspberry Pi RP2\nBoard-ID: {}\n"


def drive(folder: Path, board_id: str) -> Path:
    folder.mkdir()
    (folder / "INFO_UF2.TXT").write_text(INFO.format(board_id), "ascii")
    return folder


def test_a_board_with_its_port_is_named():
    attached, boot = check_usb([PICO], machine(usb_ids=(OURS,)))
    assert (attached.outcome, boot.outcome) == ("ok", "ok")
    assert attached.seen == "/dev/ttyACM0 (2e8a:0005)"


def test_nothing_on_usb_suspects_the_cable():
    failure = only_failure(check_usb([], machine(usb_ids=((0x1D6B, 0x0002),))))
    assert failure.name == "board attached"
    assert "only charge" in " ".join(failure.remedy)


def test_a_board_on_usb_without_a_port_lacks_its_driver():
    failure = only_failure(check_usb([], machine(usb_ids=(OURS,))))
    assert "no serial port" in failure.seen
    assert "cdc_acm" in failure.remedy[0]


@pytest.mark.parametrize("mounted", [True, False])
def test_a_board_in_its_boot_loader_is_told_which_uf2_to_copy_and_where(tmp_path: Path, mounted: bool):
    drives = (drive(tmp_path / "RPI-RP2", "RPI-RP2"),) if mounted else ()
    failure = only_failure(check_usb([], machine(usb_ids=(RP2040,), drives=drives)))
    assert failure.name == "boot loader"
    assert "RPI_PICO (1.24 or newer)" in failure.remedy[0]
    assert (str(tmp_path / "RPI-RP2") if mounted else "RPI-RP2 (open it first)") in failure.remedy[0]
    assert "popsense flash" in failure.remedy[-1]


def test_a_drive_tells_the_boot_loader_where_usb_does_not(tmp_path: Path):
    """macOS and Windows: no list of USB devices."""
    failure = only_failure(check_usb([], machine(drives=(drive(tmp_path / "E", "RPI-RP2"),))))
    assert failure.name == "boot loader"


def test_a_newer_chip_is_not_given_an_image_that_does_not_fit():
    failure = only_failure(check_usb([], machine(usb_ids=(RP2350,))))
    assert "RP2350" in failure.seen
    assert "UF2" not in " ".join(failure.remedy)


def test_drives_and_usb_ids_are_matched(tmp_path: Path):
    drives = [
        drive(tmp_path / "a", "RPI-RP2"),
        drive(tmp_path / "b", "RP2350"),
        drive(tmp_path / "c", "SAMD21G18A-Xiao-v0"),
        tmp_path / "no drive",
        tmp_path,
    ]
    found = boot_loaders([RP2040, RP2040, OURS, (0x1234, 0x0003)], drives)
    assert found == [
        BootLoader("RP2040", tmp_path / "a"),
        BootLoader("RP2350", tmp_path / "b"),
        BootLoader("RP2040", None),
    ]


def test_a_file_without_an_id_is_no_boot_loader(tmp_path: Path):
    (tmp_path / "INFO_UF2.TXT").write_bytes(b"\xff\xfe no id")
    assert boot_loaders([], [tmp_path]) == []


def test_a_named_port_need_not_be_on_usb():
    attached, boot = check_usb([NAMED], machine())
    assert (attached.outcome, boot.outcome) == ("not applicable", "ok")
    attached, _ = check_usb([Port("serial:///dev/ttyS0")], machine())
    assert attached.seen == "/dev/ttyS0"
