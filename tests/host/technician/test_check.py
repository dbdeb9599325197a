"""`check_board`: what is asked of board and technician, and which line tells what."""

from datetime import date

import numpy as np
import pytest

from popsense.errors import CommandRefused
from popsense.link.fault_wording import FAULTS
from popsense.technician.check import Technician, check_board, nobody
from popsense.technician.check_line import CheckLine, failed, for_port
from popsense_protocol.packets import FLAG_DEPTH_SATURATED, PROTOCOL_VERSION, START_UNCALIBRATED
from tests.host.link.scripted import channel, hello
from tests.host.technician.sampling_board import FORCE_NANO, SamplingBoard, calibrated, quiet, with_channels

TODAY = date(2026, 11, 21)
RECORDS = {sensor: calibrated(TODAY) for sensor in ("force", "depth", "pressure")}


def checked(board: SamplingBoard, technician: Technician = nobody("quick")) -> dict[str, CheckLine]:  # noqa: B008
    lines = list(check_board(board, technician, TODAY))
    by_name = {line.name: line for line in lines}
    assert len(by_name) == len(lines)
    return by_name


def failing(lines: dict[str, CheckLine]) -> set[str]:
    for line in lines.values():
        assert bool(line.remedy) == (line.outcome == "fail")
    return {name for name, line in lines.items() if line.outcome == "fail"}


def of_force(**signals: float):
    """A quiet bone, with force N and pressure kPa on top."""

    def signal(time_s: np.ndarray) -> dict[str, np.ndarray]:
        return {name: values + signals.get(name, 0.0) for name, values in quiet(time_s).items()}

    return signal


def healthy(*signals, **changed) -> SamplingBoard:
    return SamplingBoard(*signals, **({"records": {"force": RECORDS["force"]} | KINDS} | changed))


def record_of(zero: int, units_per_count: float):
    """Two points 1000 counts apart, at which the sensor reads 0 and what its nominal scale says."""
    points = {
        "counts": [zero, zero + 4000] + [0] * 14,
        "milliunits": [0, round(4e6 * units_per_count)] + [0] * 14,
    }
    return calibrated(TODAY) | points


KINDS = {"depth": record_of(1638, 2.289377e-3), "pressure": record_of(6006, 11.446886e-3)}


def test_a_healthy_board_passes_every_line_that_needs_no_hand():
    board = healthy()
    lines = checked(board)
    assert failing(lines) == set()
    assert {name for name, line in lines.items() if line.outcome == "skipped"} == {
        "leak-down of the chamber",
        "known weight",
    }
    (start,) = board.commands_named("START")
    assert (str(start.fields.mode), start.fields.options) == ("guided", START_UNCALIBRATED)
    assert board.commands[-1].name != "START"
    assert board.asked().index("STOP") > board.asked().index("START")
    assert 10 < board.now() < 13


def test_without_calibration_each_sensor_fails_and_says_how_to_calibrate_it():
    lines = checked(SamplingBoard())
    assert failing(lines) == {f"{sensor} calibration" for sensor in RECORDS}
    assert "popsense calibrate depth" in lines["depth calibration"].remedy


def test_an_expired_calibration_fails_and_its_last_day_still_counts():
    old = {"force": calibrated(date(2025, 11, 20), valid_days=365)} | KINDS
    lines = checked(healthy(records=old))
    assert failing(lines) == {"force calibration"}
    assert "expired since 2026-11-21" in lines["force calibration"].seen
    last = {"force": calibrated(date(2025, 11, 21), valid_days=365)} | KINDS
    assert failing(checked(healthy(records=last))) == set()


@pytest.mark.parametrize(("name", "code"), [("force_cell_open", 2), ("undervoltage", 15), ("low_heap", 23)])
def test_each_fault_of_the_board_is_a_line_of_its_own(name: str, code: int):
    lines = checked(healthy(faults=(code, 18)))
    assert failing(lines) == {f"fault: {FAULTS[name].title}", f"fault: {FAULTS['watchdog_reset'].title}"}


def test_a_fault_that_was_over_again_while_sampling_is_told_too():
    assert failing(checked(healthy(health={"faults_of_run": 1 << 9}))) == {"fault: conversions missed"}


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"health": {"supply_mv": 3700}}, "supply"),
        ({"health": {"loop_us": 40_000}}, "longest turn of the main loop"),
        ({"health": {"cut_writes": 1}}, "writes cut short"),
        ({"health": {"heap_free_bytes": 900}}, "free memory"),
        ({"missed": 3}, "conversions missed"),
        ({"overruns": 4}, "samples overwritten on the board"),
        ({"flags": FLAG_DEPTH_SATURATED}, "depth saturated"),
    ],
)
def test_each_figure_outside_its_limit_fails_its_own_line(changed, line: str):
    assert failing(checked(healthy(**changed))) == {line}


def test_the_rate_is_that_of_the_samples_and_not_what_the_board_says():
    lines = checked(healthy(rate_hz=900.0))
    assert failing(lines) == {"sample rate", "sample rate, off what was told"}
    assert lines["sample rate"].figure == pytest.approx(900.0, rel=1e-3)


def test_a_board_without_force_sensor_fails_and_nothing_is_sampled():
    board = healthy(says=with_channels(sample_rate_mhz=0))
    lines = checked(board)
    assert "samples" in failing(lines)
    assert lines["faults"].outcome == "skipped", "none were looked for while sampling"
    assert board.commands_named("START") == []


def test_a_board_from_which_no_sample_comes_does_not_pass():
    lines = checked(healthy(rate_hz=1e-3))
    assert "sample rate" in failing(lines)
    assert lines["faults"].outcome == "skipped"


def test_what_a_slow_converter_costs_is_one_line_and_of_a_quick_one_none():
    scale = {"settle_samples": 4, "nano_units_per_count": FORCE_NANO, "zero_counts": 0}
    slow = with_channels(sample_rate_mhz=80_000, force=channel("newton") | scale)
    lines = checked(healthy(says=slow, rate_hz=80.0))
    assert failing(lines) == set()
    assert "80 samples/s: a sample every 12.5 ms" in lines["a slow force converter"].seen
    assert "uncalibrated" in lines["a slow force converter"].seen
    assert "a slow force converter" not in checked(healthy())


def test_figures_without_a_calibration_are_said_to_be_in_nominal_units():
    lines = checked(SamplingBoard(records=KINDS))
    assert "(nominal scale)" in lines["force noise"].seen
    assert "(nominal scale)" not in lines["depth noise"].seen


def test_a_remedy_names_the_port_of_the_board_in_its_commands():
    line = for_port(checked(SamplingBoard())["force calibration"], "COM5")
    assert line.remedy == "Calibrate it: popsense calibrate force --port COM5."
    assert for_port(failed("a", "b", "Look: popsense flash; then popsense check."), "COM5").remedy == (
        "Look: popsense flash --port COM5; then popsense check --port COM5."
    )


def test_a_board_of_another_protocol_is_one_line_with_what_to_update():
    board = healthy(says=hello(protocol_version=PROTOCOL_VERSION + 1))
    lines = checked(board)
    assert failing(lines) == set(lines) == {"firmware and protocol"}
    assert board.commands == []


def test_a_board_that_still_samples_for_a_program_that_died_is_stopped_first():
    board = healthy(started=True)
    assert failing(checked(board)) == set()
    assert not board.sampling


def test_an_older_firmware_without_health_and_calibration_is_checked_as_far_as_it_goes():
    unknown = dict.fromkeys(("READ_HEALTH", "READ_CALIBRATION"), "unknown_command")
    lines = checked(healthy(refuses=unknown))
    assert failing(lines) == {f"{sensor} calibration" for sensor in RECORDS}
    assert lines["force noise"].outcome == "pass"
    assert lines["faults"].outcome == "skipped"


def test_a_board_that_refuses_to_start_is_an_error_and_is_told_to_stop():
    board = healthy(refuses={"START": "sensor_fault"})
    with pytest.raises(CommandRefused):
        checked(board)
    assert board.asked()[-1] == "STOP"


def test_stop_is_sent_when_the_user_ends_the_check():
    class Interrupted(SamplingBoard):
        def read(self, timeout_s: float) -> bytes:
            if self.sampling and self.now() > 5:
                self.sampling = False
                raise KeyboardInterrupt
            return super().read(timeout_s)

    board = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        checked(board)
    assert board.asked()[-1] == "STOP"


def test_the_technician_is_asked_for_pressure_and_mass_and_both_are_judged():
    def leaking(time_s: np.ndarray) -> dict[str, np.ndarray]:
        return quiet(time_s) | {"pressure": 40.0 * np.exp(-time_s / 20.0) + quiet(time_s)["pressure"]}

    asked: list[str] = []

    def do(request: str) -> bool:
        asked.append(request)
        return True

    board = healthy(of_force(), leaking, of_force(force=49.03 + 3.0))
    lines = checked(board, Technician(do, mass_kg=5.0))
    assert ["syringe" in one or "5 kg" in one for one in asked] == [True, True]
    assert failing(lines) == {"leak-down of the chamber", "known weight of 5 kg"}
    assert lines["known weight of 5 kg"].figure == pytest.approx(3.0, abs=0.05)


def test_what_the_technician_skips_is_skipped_and_not_sampled():
    board = healthy()
    lines = checked(board, Technician(lambda request: False, mass_kg=5.0))
    assert lines["known weight"].outcome == lines["leak-down of the chamber"].outcome == "skipped"
    assert len(board.commands_named("START")) == 1
