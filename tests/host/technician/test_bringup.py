"""The bring-up: the script on a MicroPython of this computer, what the host makes of it, what it says."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from popsense.errors import DeviceError, LinkLost, UsageError
from popsense.link.hello import read_hello
from popsense.reports.bringup_page import STALE, bringup_page, shown
from popsense.technician.bringup import (
    EMULATED,
    TITLES,
    Figure,
    Helper,
    Lines,
    board_figures,
    complete,
    link_figures,
    report,
)
from popsense.technician.bringup_board import at_prompt
from popsense.technician.measured import HEADING, Measured, firmware_sha256, read_measured
from popsense.technician.ports import Port
from popsense.twin.firmware_files import firmware_root
from tests.benchmarks.firmware import measured as bench
from tests.conftest import Require
from tests.host.link.scripted import opened
from tests.host.technician.bringup_child import PromptOfTheTwin
from tests.host.technician.sampling_board import SamplingBoard, with_channels

HELLO = read_hello(opened(with_channels()).fields)
NAMES = [name for name in TITLES if not name.startswith(("link_", "round_"))]
CLOCK_STANDS_STILL = "this board's clock stands still while it computes"


class Heard:
    """What a technician is told, and how long nobody reads."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.waited_s: list[float] = []
        self.helper = Helper(self.told.append, self.waited_s.append)


class Printing:
    """A prompt whose script prints these bytes, and then may fail."""

    def __init__(self, text: bytes, error: Exception | None = None) -> None:
        self.codes: list[str] = []
        self._text, self._error = text, error
        self.was_reset = self.was_closed = False

    def run(self, code: str, hear: Callable[[bytes], None] | None = None, quiet_s: float = 0.0) -> None:
        self.codes.append(code)
        if hear is not None:
            for at in range(len(self._text)):
                hear(self._text[at : at + 1])
            if self._error:
                raise self._error

    def reset(self) -> None:
        self.was_reset = True

    def close(self) -> None:
        self.was_closed = True


def line(**content: object) -> bytes:
    return json.dumps(content).encode() + b"\r\n"


# ---- on the board ------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("interpreter", ["micropython", "cpython"])
def test_the_script_runs_to_its_end_off_the_board(require: Require, interpreter: str):
    if interpreter == "micropython":
        require("micropython")
    heard = Heard()
    figures = board_figures(PromptOfTheTwin(interpreter), firmware_root(), heard.helper, follower_s=2)
    by_name = {one.name: one for one in figures}
    assert list(by_name) == NAMES
    assert all(one.unit and (one.value is None) == bool(one.reason) for one in figures)
    # seed 7 of the twin
    assert by_name["rate_quiet_hz"].value == pytest.approx(996.4, abs=0.2)
    assert by_name["jitter_quiet_us"].value < 1.5
    assert by_name["rate_collecting_hz"].value == pytest.approx(996.4, abs=0.2)
    assert by_name["force_noise_counts"].value == pytest.approx(258, rel=0.2)  # 60 mN
    assert by_name["depth_noise_counts"].value == pytest.approx(3.0, rel=0.2)
    missed = ("missed_quiet", "missed_collecting", "missed_stalled")
    assert [by_name[name].value for name in missed] == [0, 0, 0]
    null = {one.name: one.reason for one in figures if one.value is None}
    assert {name for name, reason in null.items() if reason == CLOCK_STANDS_STILL} == {
        "gc_ms", "interrupt_us", "interrupt_longest_us", "processor_percent", "frame_us", "stalled_write_ms",
    }  # fmt: skip
    assert ("heap_free_bytes" in null) == (interpreter == "cpython")
    assert all("follower was not moved" in null[name] for name in NAMES if name.startswith("adc_step"))
    assert ["follower" in text for text in heard.told] == [True]
    assert heard.waited_s == [2.0]


def test_the_script_is_no_part_of_what_the_firmware_imports():
    for path in [firmware_root() / "main.py", *(firmware_root() / "bone").glob("*.py")]:
        assert "bringup" not in path.read_text("utf-8")


# ---- what is heard -----------------------------------------------------------------------------------------


@given(
    st.lists(
        st.sampled_from(
            [b"....\n", b"{cut off\n", b'{"figure": "gc_ms", "val', b"\n", b'{"other": 1}\n', b"[1]\n"]
        )
    )
)
def test_output_that_means_nothing_hides_no_figure(noise: list[bytes]):
    lines = Lines(Heard().helper)
    text = b"".join(noise) + b"\n" + line(figure="gc_ms", unit="ms", value=4.5) + line(done=1)
    for byte in text:
        lines.hear(bytes([byte]))
    assert lines.figures == {"gc_ms": Figure("gc_ms", 4.5, "ms")}
    assert lines.done


def test_a_script_that_stops_halfway_leaves_its_figures_and_says_why_the_rest_is_missing():
    prompt = Printing(line(figure="rate_quiet_hz", unit="samples/s", value=990), LinkLost("it went", "Look."))
    figures = {one.name: one for one in board_figures(prompt, firmware_root(), Heard().helper)}
    assert list(figures) == NAMES
    assert figures["rate_quiet_hz"].value == 990
    assert figures["gc_ms"] == Figure("gc_ms", None, "", "it went")


def test_the_ring_is_made_before_the_script_and_the_script_before_its_run():
    prompt = Printing(line(done=1))
    board_figures(prompt, firmware_root(), Heard().helper, 9)
    ring, script, run = prompt.codes
    assert "ring = SampleRing()" in ring
    assert "def run(ring" in script
    assert run == "run(ring, 9)"


def test_a_script_that_does_not_run_is_an_error():
    with pytest.raises(DeviceError, match="ImportError"):
        board_figures(
            Printing(b"", DeviceError("ImportError: no module named 'bone'")), firmware_root(), Heard().helper
        )


def test_a_firmware_folder_without_the_script_is_an_error(tmp_path: Path):
    with pytest.raises(UsageError):
        board_figures(Printing(b""), tmp_path, Heard().helper)


# ---- the link, and the way to the prompt -------------------------------------------------------------------


def test_the_link_is_measured_with_the_firmware_running():
    board = SamplingBoard(missed=0)
    hello, figures = link_figures(board)
    by_name = {one.name: one for one in figures}
    assert hello.board_id == "0001020304050607"
    assert by_name["link_rate_hz"].value == pytest.approx(988.0, abs=0.5)
    assert by_name["link_jitter_us"].value < 2
    assert by_name["link_lost"].value == 0
    assert by_name["round_trip_ms"].value is not None
    assert not board.sampling


def test_a_board_without_samples_says_so():
    _, (figure,) = link_figures(SamplingBoard(says=with_channels(sample_rate_mhz=0)))
    assert figure.value is None
    assert "no samples" in figure.reason


@pytest.mark.parametrize("fails", [False, True])
def test_the_firmware_leaves_and_is_started_again_whatever_went_wrong(fails: bool):
    board, prompt = SamplingBoard(), Printing(b"")
    board.reopens.append(b"MicroPython\r\n>>> ")
    names: list[str] = []

    def open_prompt(name: str) -> Printing:
        names.append(name)
        assert "close" in board.log
        return prompt

    def go() -> None:
        with at_prompt(Port("serial:///dev/ttyACM0"), lambda url: board, open_prompt) as given_prompt:
            assert given_prompt is prompt
            if fails:
                raise KeyboardInterrupt

    if fails:
        with pytest.raises(KeyboardInterrupt):
            go()
    else:
        go()
    assert board.commands_named("EXIT")
    assert names == ["scripted board"]
    assert prompt.was_reset
    assert prompt.was_closed


# ---- the emulated board's figures --------------------------------------------------------------------------


def beside(folder: Path, **changed: object) -> Measured:
    """read_measured of a small firmware with such a file beside it."""
    (folder / "main.py").write_text("pass\n")
    content = {
        "firmware_sha256": firmware_sha256(folder),
        "image": "pico.uf2",
        "emulator": "rp2040py 0.3.6",
        "date": "2026-11-21",
        "figures": [{"name": name, "value": 10.0, "unit": "us"} for name in EMULATED.values()],
    }
    (folder / "measured.json").write_text(json.dumps(content | changed))
    return read_measured(folder)


def test_the_hash_over_the_firmware_is_that_of_the_benchmark():
    assert firmware_sha256(firmware_root()) == bench.firmware_hash(firmware_root())
    assert HEADING == bench.HEADING


def test_figures_of_another_firmware_are_stale(tmp_path: Path):
    assert not beside(tmp_path).stale
    assert beside(tmp_path, firmware_sha256="0").stale
    (tmp_path / "more.py").write_text("")
    assert read_measured(tmp_path).stale


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "{}", '{"figures": 3}', '{"figures": [1, {"name": 2}, {"name": "a"}]}']
)
def test_a_file_that_is_none_is_no_crash(tmp_path: Path, content: str):
    (tmp_path / "measured.json").write_text(content)
    assert read_measured(tmp_path).figures == {}


def test_a_missing_file_says_which_command_makes_it(tmp_path: Path):
    assert "make bench-firmware" in read_measured(tmp_path).problem


def test_each_figure_stands_beside_its_own(tmp_path: Path):
    figures = [Figure(name, 15.0, "us") for name in TITLES]
    done = report(HELLO, figures, beside(tmp_path))
    assert {one.name: one.ratio for one in done.figures if one.ratio is not None} == dict.fromkeys(
        EMULATED, 1.5
    )
    assert EMULATED.keys() <= TITLES.keys()
    said = json.loads(json.dumps(done.as_json()))
    assert said["figures"][0].keys() == {"name", "title", "value", "unit", "reason", "emulated", "ratio"}
    assert said["emulated"] == {
        "about": {
            "firmware_sha256": firmware_sha256(tmp_path),
            "image": "pico.uf2",
            "emulator": "rp2040py 0.3.6",
            "date": "2026-11-21",
        },
        "problem": "",
        "stale": False,
    }


# ---- the page ----------------------------------------------------------------------------------------------


def page_of(measured: Measured, **values: float | None) -> str:
    from popsense.cli.bringup import to_page

    figures = complete(
        {name: Figure(name, value, "us", "" if value else "why") for name, value in values.items()}, ""
    )
    return bringup_page(to_page(report(HELLO, figures, measured)))


def test_the_page_compares_and_marks_what_took_longer_than_expected(tmp_path: Path):
    page = page_of(beside(tmp_path), interrupt_us=17.0, interrupt_longest_us=21.0, gc_ms=None)
    assert HEADING in page
    assert page.count("longer than expected") == 1
    assert ">1.70<" in page.replace("\n", "").replace(" </td>", "<").replace("</td>", "<")
    assert "not had: why" in page
    assert STALE not in page


def test_stale_and_missing_figures_are_said_to_be(tmp_path: Path):
    assert STALE in page_of(beside(tmp_path, firmware_sha256="0"), interrupt_us=1.0)
    (tmp_path / "measured.json").unlink()
    page = page_of(read_measured(tmp_path), interrupt_us=1.0)
    assert "make bench-firmware" in page
    assert STALE not in page
    assert HEADING not in page, "there is nothing beside it"


def test_a_reason_is_text_and_no_markup(tmp_path: Path):
    done = report(HELLO, [Figure("gc_ms", None, "ms", "<b>&")], read_measured(tmp_path))
    from popsense.cli.bringup import to_page

    assert "&lt;b&gt;&amp;" in bringup_page(to_page(done))


@given(st.floats(1e-9, 1e12))
def test_no_figure_has_an_exponent_and_each_keeps_its_size(figure: float):
    assert "e" not in shown(figure)
    assert float(shown(figure).replace(",", "")) == pytest.approx(figure, rel=0.06)


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        (None, "–"),
        (0.0, "0"),
        (996.387, "996.39"),
        (134624.0, "134,624"),
        (0.62807, "0.63"),
        (0.0012, "0.0012"),
        (1e-5, "0.00001"),
        (-3.21e-7, "-0.00000032"),
    ],
)
def test_a_figure_is_shown_with_as_much_as_it_says(figure: float | None, text: str):
    assert shown(figure) == text
