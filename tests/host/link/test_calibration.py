"""A calibration written to the real firmware, read back, and used: on the simulated board."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import pytest

from popsense.calibration.record import SENSORS, Point
from popsense.errors import CommandRefused, DeviceError
from popsense.link.calibration import read_calibration, write_calibration
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.technician.measuring import BoardSource, steady
from popsense.twin.transport import SimTransport, open_sim
from tests.conftest import Require
from tests.host.attempts.boards import address
from tests.host.calibration.records import POINTS, made


@pytest.fixture
def transport(require: Require) -> Iterator[SimTransport]:
    require("micropython")
    with closing(open_sim(address())) as board:
        yield board


@pytest.fixture
def session(transport: SimTransport) -> Session:
    found = Session(transport)
    found.connect()
    return found


@pytest.mark.slow
def test_a_new_board_has_none(session: Session):
    assert read_calibration(session) == dict.fromkeys(SENSORS)


def test_what_is_written_is_read_back_and_named_in_hello(session: Session, transport: SimTransport):
    records = {name: made(name, id=40 + k) for k, name in enumerate(SENSORS)}
    for name, record in records.items():
        write_calibration(session, name, record)
    assert read_calibration(session) == records
    again = Session(transport)
    assert again.connect().calibration_id != 0
    again.start("assessment")  # without leave to be uncalibrated
    again.stop()


@pytest.mark.slow
def test_none_removes_it(session: Session):
    write_calibration(session, "depth", made("depth"))
    write_calibration(session, "depth", None)
    assert read_calibration(session)["depth"] is None


@pytest.mark.slow
def test_a_record_that_no_sensor_can_have_is_refused_and_the_old_one_stays(session: Session):
    old = made("depth")
    write_calibration(session, "depth", old)
    beyond = (Point(0, 0), Point(1 << 20, 30_000))
    with pytest.raises(CommandRefused) as caught:
        write_calibration(session, "depth", made("depth", points=beyond))
    assert caught.value.reason == "malformed"
    assert read_calibration(session)["depth"] == old


@pytest.mark.slow
def test_nothing_is_written_while_it_samples(session: Session):
    session.start("blind", uncalibrated=True)
    with pytest.raises(CommandRefused) as caught:
        Service(session).write_calibration("depth", made("depth").to_fields())
    assert caught.value.reason == "already_sampling"
    session.stop()
    assert read_calibration(session)["depth"] is None


def test_a_board_that_gives_back_something_else_is_told(session: Session, monkeypatch: pytest.MonkeyPatch):
    write = Service.write_calibration
    other = replace(made("depth"), id=8).to_fields()
    monkeypatch.setattr(Service, "write_calibration", lambda self, sensor, record: write(self, sensor, other))
    with pytest.raises(DeviceError, match="gives back another depth calibration"):
        write_calibration(session, "depth", made("depth"))


def test_a_reading_is_the_mean_of_a_board_at_rest(session: Session):
    source = BoardSource(session)
    for sensor, units_per_count in (("force", 232.831e-6), ("depth", 2.289377e-3), ("pressure", 11.4e-3)):
        rest = source.rest(sensor, 2.0)
        reading = steady(sensor, rest, units_per_count, 0.0)
        assert reading.samples == pytest.approx(1976, rel=0.03)
        assert 0 < reading.noise_counts * units_per_count < 0.3
    assert abs(POINTS["depth"][0].counts - source.rest("depth", 0.5).counts.mean()) < 30


@pytest.mark.slow
def test_who_ends_a_reading_leaves_an_idle_board(session: Session, monkeypatch: pytest.MonkeyPatch):
    def interrupted(self: Session, timeout_s: float = 0.1) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Session, "receive", interrupted)
        with pytest.raises(KeyboardInterrupt):
            BoardSource(session).rest("force", 2.0)
    with pytest.raises(CommandRefused, match="not sampling"):
        session.command("STOP")
