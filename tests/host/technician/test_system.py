"""What is read from the system, from folders laid out like it and from this one."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from popsense.technician.system import Access, access_to, drives, free_bytes, holders, usb_ids


def test_usb_ids_come_from_sysfs(tmp_path: Path):
    for name, vendor, product in (("1-1", "2e8a", "0003"), ("usb1", "1d6b", "0002"), ("1-2", "bad", "id?")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "idVendor").write_text(f"{vendor}\n", "ascii")
        (tmp_path / name / "idProduct").write_text(f"{product}\n", "ascii")
    (tmp_path / "1-1:1.0").mkdir()
    assert usb_ids(tmp_path) == [(0x2E8A, 3), (0x1D6B, 2)]
    assert usb_ids(tmp_path / "no sysfs") == []


def test_drives_come_from_the_table_of_mounts(tmp_path: Path):
    table = tmp_path / "mounts"
    table.write_text("/dev/sda1 /media/A\\040B vfat rw 0 0\nproc /proc proc rw 0 0\n", "ascii")
    assert drives(table, "linux") == [Path("/media/A B")]
    assert drives(tmp_path / "none", "linux") == []
    assert drives(table, "win32")[:2] == [Path("C:\\"), Path("D:\\")]


def test_a_program_that_holds_a_port_is_found_by_its_command():
    master, slave = os.openpty()
    name = os.ttyname(slave)
    os.close(slave)
    program = f"import time; port = open({name!r}, 'rb'); print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            other.stdout.readline()
            (found,) = holders(name)
        finally:
            other.kill()
    os.close(master)
    assert found.startswith(sys.executable)
    assert found.endswith(f"(process {other.pid})")


def test_this_program_is_not_another_one():
    master, slave = os.openpty()
    assert holders(os.ttyname(slave)) == []
    os.close(slave)
    os.close(master)


def test_holders_are_unknown_where_nothing_tells_them(tmp_path: Path):
    (tmp_path / "12" / "fd").mkdir(parents=True)
    (tmp_path / "12" / "fd" / "0").symlink_to("/dev/ttyACM0")
    assert holders("/dev/ttyACM0", tmp_path) == ["a program (process 12)"]
    (tmp_path / "12" / "cmdline").write_bytes(b"minicom\0-D\0" + b"x" * 100 + b"\0")
    assert holders("/dev/ttyACM0", tmp_path) == [f"minicom -D {'x' * 49}... (process 12)"]
    assert holders("/dev/ttyACM0", tmp_path / "none") == []


@pytest.mark.parametrize(("mode", "may"), [(0o660, True), (0o600, False), (0o640, False)])
def test_the_group_of_a_port_and_what_it_may(tmp_path: Path, mode: int, may: bool):
    port = tmp_path / "ttyACM0"
    port.touch()
    port.chmod(mode)
    assert access_to(str(port)) == Access(port.group(), may)


def test_a_port_that_is_gone_has_no_group(tmp_path: Path):
    assert access_to(str(tmp_path / "ttyACM0")) == Access("", True)


def test_space_is_told_in_bytes(tmp_path: Path):
    assert 0 < free_bytes(tmp_path) < 1e18


def test_reading_all_this_is_quick():
    started = time.monotonic()
    usb_ids(), drives(), holders("/dev/ttyACM0")
    assert time.monotonic() - started < 5
