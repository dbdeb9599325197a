"""The files of a release: all of them, compiled for the Pico, the same bytes each time."""

import shutil
from pathlib import Path

import pytest

from popsense.errors import UsageError
from popsense.technician.flash.release import (
    ARMV6M,
    MAIN,
    MANIFEST,
    read_manifest,
    read_release,
    runs_on,
    sha256,
)
from popsense.twin.firmware_files import firmware_root

ROOT = firmware_root()


def test_every_module_is_copied_compiled_and_main_as_it_is():
    release = read_release(ROOT)
    modules = {path.stem for path in (ROOT / "bone").glob("*.py")}
    assert set(release.files) == {f"{name}.mpy" for name in modules} | {MAIN, MANIFEST}
    assert release.files[MAIN] == (ROOT / MAIN).read_bytes()
    assert {flags >> 2 & 0xF for _, flags in release.mpy_headers} == {0, ARMV6M}


def test_the_firmware_has_no_module_in_a_folder_below():
    assert {path.parent for path in (ROOT / "bone").rglob("*.py")} == {ROOT / "bone"}


def test_the_sources_are_copied_as_they_are():
    release = read_release(ROOT, source=True)
    for path in (ROOT / "bone").glob("*.py"):
        assert release.files[path.name] == path.read_bytes()
    assert release.mpy_headers == set()


def test_the_same_sources_give_the_same_bytes_wherever_they_lie(tmp_path: Path):
    shutil.copytree(ROOT, tmp_path / "elsewhere")
    assert read_release(tmp_path / "elsewhere") == read_release(ROOT)
    assert all(str(ROOT).encode() not in data for data in read_release(ROOT).files.values())


def test_the_manifest_names_version_and_hash_of_every_other_file():
    release = read_release(ROOT)
    manifest = read_manifest(release.files[MANIFEST])
    assert manifest is not None
    assert manifest.version == release.version
    assert manifest.hashes == {name: sha256(data) for name, data in release.files.items() if name != MANIFEST}


def test_a_file_that_does_not_compile_is_told_with_its_reason(tmp_path: Path):
    shutil.copytree(ROOT, tmp_path / "firmware")
    (tmp_path / "firmware/bone/app.py").write_text("def broken(:\n")
    with pytest.raises(UsageError, match=r"app\.py does not compile: .*SyntaxError") as refusal:
        read_release(tmp_path / "firmware")
    assert "--source" in refusal.value.remedy


def test_files_without_a_version_are_of_no_release(tmp_path: Path):
    shutil.copytree(ROOT, tmp_path / "firmware")
    (tmp_path / "firmware/bone/settings.py").write_text("")
    with pytest.raises(UsageError, match="version"):
        read_release(tmp_path / "firmware")


BYTECODE, MACHINE_CODE = (6, 0), (6, 3 | ARMV6M << 2)


@pytest.mark.parametrize(
    ("header", "subversion", "architecture", "runs"),
    [
        (BYTECODE, 2, 7, True),
        (MACHINE_CODE, 3, ARMV6M, True),
        (MACHINE_CODE, 2, ARMV6M, False),
        (MACHINE_CODE, 3, 2, False),
        ((5, 0), 3, ARMV6M, False),
    ],
)
def test_byte_code_asks_for_the_format_and_machine_code_for_the_processor_too(
    header: tuple[int, int], subversion: int, architecture: int, runs: bool
):
    assert runs_on({BYTECODE, header}, 6 | subversion << 8 | architecture << 10) is runs
