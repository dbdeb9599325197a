"""Who may import what, beyond the rows that import-linter keeps."""

import subprocess
import sys

import pytest

from tests.architecture import guards
from tests.architecture.tree import ROOT, python_files

PACKAGE = "host/popsense/__init__.py"


def test_firmware_imports_only_micropython_and_itself():
    assert guards.all_faults(guards.firmware_faults(*file) for file in python_files("firmware/")) == []


def test_protocol_imports_construct_cobs_and_the_standard_library():
    assert guards.all_faults(guards.protocol_faults(*file) for file in python_files("protocol/")) == []


def test_the_package_imports_nothing_eagerly():
    assert guards.eager_import_faults(PACKAGE, (ROOT / PACKAGE).read_text(encoding="utf-8")) == []


def test_importing_popsense_loads_no_other_package():
    heavy = {"numpy", "scipy", "construct", "serial", "pydantic"}
    program = f"import sys, popsense; print({heavy} & {{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("firmware/bone/sampler.py", "import popsense_protocol"),
        ("firmware/bone/sampler.py", "from popsense.model import Trace"),
        ("firmware/bone/sampler.py", "import machine"),
        ("firmware/bone/sampler.py", "def late():\n    from machine import Pin"),
        ("firmware/bone/board.py", "import numpy"),
    ],
)
def test_a_bad_firmware_file_is_noticed(path: str, source: str):
    assert guards.firmware_faults(path, source)


def test_board_and_main_may_import_machine():
    assert [guards.firmware_faults(path, "import machine") for path in sorted(guards.MACHINE_IMPORTERS)] == [
        [],
        [],
    ]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("packets.py", "import numpy"),
        ("framing.py", "import serial"),
        ("layouts.py", "from popsense import model"),
    ],
)
def test_a_bad_protocol_file_is_noticed(name: str, source: str):
    assert guards.protocol_faults(f"protocol/popsense_protocol/{name}", source)


def test_numpy_is_for_layouts_and_bulk():
    for path in guards.NUMPY_IN_PROTOCOL:
        assert guards.protocol_faults(path, "import numpy as np") == []


@pytest.mark.parametrize(
    "source",
    ["import numpy", "from popsense.api import load", "try:\n    import scipy\nexcept ImportError: pass"],
)
def test_an_eager_import_is_noticed(source: str):
    assert guards.eager_import_faults(PACKAGE, source)


def test_late_imports_are_not_eager():
    source = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import numpy\n"
    source += "def load():\n    import scipy\n"
    assert guards.eager_import_faults(PACKAGE, source) == []
