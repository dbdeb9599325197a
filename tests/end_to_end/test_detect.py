"""`popsense detect` with files that it refuses: one clear line with what to do, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.end_to_end.test_bad_input import Refused
from tests.host.cli.foreign_files import edit_line, write_csv
from tests.host.cli.programs import CommandLine, popsense

OPTIONS = ("--time-column", "t", "--force-column", "f", "--depth-column", "d")


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Refused:
    monkeypatch.chdir(tmp_path)
    return Refused(CommandLine(monkeypatch, capfd), tmp_path)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A good file of 320 samples/s; sample k stands in line k + 2."""
    return write_csv(tmp_path / "a.csv", 320.0)


@pytest.mark.slow
def test_the_program_itself(path: Path, tmp_path: Path):
    done = popsense("detect", path, *OPTIONS, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert " pop " in done.stdout


# ---- file and columns ----------------------------------------------------------------------------------


def test_no_file(refused: Refused):
    assert "cannot read absent.csv: No such file" in refused("detect", "absent.csv", *OPTIONS)
    assert "cannot read" in refused("detect", refused.folder, *OPTIONS)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b"\n \n,,\n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"t,f,d\n", "holds a line of names and no samples"),
        (b"t,f,d\n\n\n", "holds a line of names and no samples"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "is no text but binary data"),
        (b"PK\x03\x04\x14\0\x06\0" + bytes(range(256)), "is no text but binary data"),
        ("t,f,d\n0,1,2\n".encode("utf-16"), "is UTF-16 text. Save it as UTF-8"),
        ("t,f,d\n0,1,2\n1,2,ä\n".encode("latin-1"), "is not UTF-8 text (line 3). Save it as UTF-8"),
        (b"\x80\x81\x82\n" * 50, "is not UTF-8 text (line 1)"),
        (b"t,f,d\n" + b"x" * 200_000 + b",1,2\n", "line 2 of a.csv is no CSV"),
        (b't,f,d\n"0,1,2\n0.1,1,2\n', "fields under 3 names"),
        (b"0.0,1.0,2.0\n0.1,1.0,2.0\n", "the first line of a.csv holds numbers, no column names"),
    ],
)
def test_no_table(refused: Refused, path: Path, content: bytes, said: str):
    path.write_bytes(content)
    line = refused("detect", path.name, *OPTIONS)
    assert said in line
    assert len(line) < 400


def test_a_missing_column_names_those_that_are_there(refused: Refused, path: Path):
    line = refused("detect", path, *OPTIONS[:2], "--force-column", "force")
    assert f"{path} has no column 'force'. It has: 't', 'f', 'd', 'v'." in line
    edit_line(path, 1, "t,f\x1b[31m,d,v")
    assert "'f\\x1b[31m'" in refused("detect", path, *OPTIONS)
    edit_line(path, 1, ",".join(f"column {k}" for k in range(500)))
    assert len(refused("detect", path, *OPTIONS)) < 500


def test_two_columns_of_one_name(refused: Refused, path: Path):
    edit_line(path, 1, "t,f,f,d")
    assert "2 columns named 'f' (columns 2 and 3). Rename all but one." in refused("detect", path, *OPTIONS)


def test_one_column_for_two_things(refused: Refused, path: Path):
    assert "one column is named for two things" in refused(
        "detect", path, "--time-column", "t", "--force-column", "t"
    )


# ---- numbers and times ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("0.025,x1,0,0", "column 'f' holds 'x1', which is no number, in line 10 of a.csv"),
        ("0.025,,0,0", "column 'f' is empty, in line 10"),
        ("0.025, ,0,0", "column 'f' is empty, in line 10"),
        ("0.025,nan,0,0", "column 'f' holds 'nan', which is not finite, in line 10"),
        ("0.025,0,-inf,0", "column 'd' holds '-inf', which is not finite, in line 10"),
        ("1e999,0,0,0", "column 't' holds '1e999', which is not finite, in line 10"),
        ("0.025,-1e300,0,0", "column 'f' holds '-1e300', which is beyond 1e+15, in line 10"),
        ("0.025,1_0,0,0", "column 'f' holds '1_0', which is no number, in line 10"),
        ("12:00:01,0,0,0", "column 't' holds '12:00:01', which is no number, in line 10"),
        ("0.025," + "9" * 300 + "x,0,0", "which is no number, in line 10"),
        ("0.025,0", "line 10 of a.csv has 2 fields under 4 names"),
        ("0,025,0,0,0", "line 10 of a.csv has 5 fields under 4 names"),
    ],
)
def test_a_bad_line(refused: Refused, path: Path, row: str, said: str):
    edit_line(path, 10, row)
    line = refused("detect", path.name, *OPTIONS)
    assert said in line
    assert len(line) < 300


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("0.021875,0,0,0", "line 10 of a.csv repeats the time 0.021875 of line 9"),
        ("0.01,0,0,0", "times are not in order: line 10 of a.csv has 0.01, behind 0.021875 in line 9"),
        ("-5,0,0,0", "times are not in order: line 10 of a.csv has -5, behind 0.021875 in line 9"),
    ],
)
def test_times_out_of_order(refused: Refused, path: Path, row: str, said: str):
    edit_line(path, 10, row)
    assert said in refused("detect", path.name, *OPTIONS)


def test_a_gap_says_where_it_is(refused: Refused, path: Path):
    for _ in range(12):
        edit_line(path, 300, None)
    line = refused("detect", path.name, *OPTIONS)
    assert "0.04063 s without a sample before line 300, 13.0 periods; 1 gap in all" in line


def test_one_lost_sample_is_no_gap(path: Path, monkeypatch: pytest.MonkeyPatch, capfd):
    edit_line(path, 300, None)
    assert CommandLine(monkeypatch, capfd)("detect", path, *OPTIONS).code == 0


@pytest.mark.parametrize(("rate_hz", "said"), [(10.0, "10 samples/s"), (150_000.0, "1.5e+05 samples/s")])
def test_rates(refused: Refused, tmp_path: Path, rate_hz: float, said: str):
    path = tmp_path / "a.csv"
    path.write_text("t,f,d\n" + "".join(f"{k / rate_hz:.9f},0,0\n" for k in range(300)), encoding="utf-8")
    line = refused("detect", path.name, *OPTIONS)
    assert said in line
    assert "20 to 100,000" in line
    assert "--time-unit" in line


def test_too_few_samples(refused: Refused, path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join(lines[:65]), encoding="utf-8")
    assert "a.csv holds 64 samples" in refused("detect", path.name, *OPTIONS)


# ---- force ---------------------------------------------------------------------------------------------


def change_force(path: Path, change: Callable[[int, float], float]) -> None:
    """change(sample, force in N) -> what the file says instead."""
    head, *rows = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    for k, row in enumerate(rows):
        row[1] = f"{change(k, float(row[1])):.6g}"
    path.write_text("\n".join(",".join(row) for row in [head, *rows]) + "\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "scale", "said"),
    [
        (lambda k, n: n if k > 200 else 25.0, "newton", "begins under load: 25 N in its first 64 samples"),
        (lambda k, n: n if k > 200 else 35.0, "relative", "falls far below its first 64 samples (35, later"),
        (lambda k, n: -n, "newton", "or pushing is negative in this file"),
        (lambda k, n: n + k if k < 64 else n, "newton", "already moves in its first 64 samples"),
        (lambda k, n: 100.0 * n, "newton", "more than the device can read (1,953 N). If the column"),
    ],
)
def test_a_force_that_cannot_be_tared_or_read(
    refused: Refused, path: Path, change: Callable[[int, float], float], scale: str, said: str
):
    change_force(path, change)
    assert said in refused("detect", path.name, *OPTIONS, "--scale", scale)


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--scale", "volts", "unknown scale 'volts'. Use --scale newton or --scale relative."),
        ("--time-unit", "min", "unknown time unit 'min'. Use --time-unit s or --time-unit ms."),
        ("--zero", "nan", "--zero nan is no reading"),
    ],
)
def test_options(refused: Refused, path: Path, option: str, value: str, said: str):
    assert said in refused("detect", path, *OPTIONS, option, value)
