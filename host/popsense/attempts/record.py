"""Records one attempt: connects, arms, follows the events to an end, stops. What came is kept."""

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from popsense.attempts.life_cycle import ENDED, INPUT_OF_EVENT, LifeCycle, State
from popsense.calibration.record import SENSORS, CalibrationRecord
from popsense.errors import CommandRefused, LinkLost, PopsenseError, RecordingError
from popsense.link.calibration import calibration_warning, naming_missing, read_calibration
from popsense.link.fault_wording import fault_notice
from popsense.link.hello import Hello
from popsense.link.service import Service
from popsense.link.session import Session
from popsense.link.transport import Transport
from popsense.model import Mode, SensorName
from popsense.procedure.detector_profile import detector_profile
from popsense.procedure.sites import SiteProfile
from popsense.recording.journal import JournalWriter
from popsense.settings import Settings
from popsense_protocol.codec import encode
from popsense_protocol.packets import PROTOCOL_VERSION

LinkState = Literal["lost", "back"]


@dataclass(frozen=True)
class AttemptPlan:
    """What is known before the needle is taken up. uncalibrated: begin on a board without a calibration."""

    site: SiteProfile
    mode: Mode
    device: str
    operator: str
    uncalibrated: bool = False


@dataclass(frozen=True)
class Listeners:
    """Who is told while an attempt is recorded.

    state: each new state of the life cycle. link: the way to the board was lost, or is back. durable_through:
    the index below which every sample is kept or in a reported hole, after each write to the medium.
    calibration: why the scores will be uncalibrated; empty where they will not. sampling: what a slow force
    converter costs, in sentences; none where it costs nothing. faults: a line for each that the board has
    before it begins; empty where there is none.
    """

    state: Callable[[State], None] = lambda state: None
    link: Callable[[LinkState], None] = lambda state: None
    durable_through: Callable[[int], None] = lambda index: None
    calibration: Callable[[str], None] = lambda doubt: None
    sampling: Callable[[Sequence[str]], None] = lambda costs: None
    faults: Callable[[str], None] = lambda notice: None


@dataclass(frozen=True)
class Recorded:
    """One finished recording and the way it ended.

    interrupted: Ctrl-C came, even where the needle was out already and the attempt counts as ended.
    not_closed: why it is still a journal, where it should have become Parquet.
    """

    path: Path
    outcome: State
    hello: Hello
    cycle: LifeCycle
    interrupted: bool = False
    not_closed: str = ""


def record_attempt(
    transport: Transport,
    plan: AttemptPlan,
    path: Path,
    settings: Settings,
    listeners: Listeners | None = None,
) -> Recorded:
    """One attempt into a new journal at `path`; once the board samples, every way out is recorded.

    Before that no journal stays: DeviceError, or KeyboardInterrupt, says what went wrong.
    """
    told = listeners or Listeners()
    session = Session(transport)
    hello = session.connect()
    profile = detector_profile(plan.site, plan.device, bool(hello.fields.depth.fitted))
    calibration = read_calibration(session)
    told.faults(_fault_notice(session))
    cycle = LifeCycle(told.state)
    detail = ""
    interrupted = False
    journal = JournalWriter(
        path,
        header(plan, hello, profile, transport.now(), calibration),
        durable=lambda: told.durable_through(session.settled_below),
    )
    try:
        session.watch(_Witness(journal, told.link))
        session.set_profile(profile)
        with naming_missing(hello, calibration):
            session.start(plan.mode, plan.uncalibrated)
        told.sampling(hello.sampling_cost.sentences if hello.sampling_cost else ())
        told.calibration(calibration_warning(hello, calibration, datetime.now(UTC).date()))
        cycle.feed("start")
        transport.operator_may_begin()
        _follow(session, journal, cycle, settings)
        session.stop()
    except LinkLost as error:
        cycle.feed("lose_link")
        detail = str(error)
        if _nothing_began(session, journal):
            raise
    except PopsenseError as error:
        cycle.feed("refuse" if isinstance(error, CommandRefused) and cycle.state == "idle" else "fail")
        detail = str(error)
        if not _nothing_began(session, journal):
            if isinstance(error, RecordingError):
                session.watch(None)  # the disk takes no more
            _stop_quietly(session)
        raise
    except KeyboardInterrupt:
        interrupted = True
        cycle.feed("cancel")
        detail = _stop_quietly(session)
        if _nothing_began(session, journal):
            raise
    finally:
        cycle.feed("fail")  # of what else may come; an attempt that has ended stays as it ended
        journal.close(transport.now(), _outcome(cycle, detail, session))
    return Recorded(path, cycle.state, hello, cycle, interrupted)


def _fault_notice(session: Session) -> str:
    """What is amiss before the needle is taken up; nothing of an older firmware, which does not tell."""
    try:
        return fault_notice(Service(session).health().faults)
    except CommandRefused:
        return ""


def _nothing_began(session: Session, journal: JournalWriter) -> bool:
    """True, and the journal is gone, where the board never sampled for us: its name is free again."""
    if session.repair is not None:
        return False
    session.watch(None)
    journal.discard()
    return True


class _Witness:
    """Everything that happens on the link goes into the journal; a lost way is told to whoever waits."""

    def __init__(self, journal: JournalWriter, told: Callable[[LinkState], None]) -> None:
        self._told = told
        self._journal = journal
        self.wire = journal.wire
        self.tick = journal.tick

    def note(self, host_time_s: float, content: Mapping[str, Any]) -> None:
        self._journal.note(host_time_s, content)
        if content["what"] == "link":
            self._told(content["state"])


def _outcome(cycle: LifeCycle, detail: str, session: Session) -> Mapping[str, Any]:
    """How it ended, and what the device's clock was on the host's: see link.clock.ClockFit."""
    fit = session.clock.fit()
    return {"outcome": cycle.state, "detail": detail, "clock": asdict(fit) if fit else None}


def header(
    plan: AttemptPlan,
    hello: Hello,
    profile: Mapping[str, int],
    host_now_s: float,
    calibration: Mapping[SensorName, CalibrationRecord | None] | None = None,
) -> Mapping[str, Any]:
    """What the journal says of itself: enough to decode, convert, score and replay it without the board.

    host_clock: what the clock of the records' host times said at that moment. calibration: the board's
    records, None of a sensor that has none.
    """
    records = calibration or {}
    fields = hello.fields
    now = datetime.now(UTC)
    return {
        "created": now.isoformat(timespec="seconds"),
        "host_clock": {"utc": now.isoformat(timespec="microseconds"), "host_s": host_now_s},
        "hello": encode("HELLO", **fields).hex(),
        "site": plan.site.name,
        "mode": plan.mode,
        "device": plan.device,
        "operator": plan.operator,
        "versions": {
            "popsense": version("popsense"),
            "firmware": hello.firmware_version,
            "protocol": PROTOCOL_VERSION,
            "detector": hello.detector_version,
            "python": platform.python_version(),
        },
        "board": {
            "board_id": hello.board_id,
            "boot_id": hello.boot_id,
            "interpreter": hello.interpreter,
            "sample_rate_hz": hello.sample_rate_hz,
            "options": fields.options,
        },
        "calibration_id": hello.calibration_id,
        "calibration": {
            name: record.to_json() if (record := records.get(name)) else None for name in SENSORS
        },
        "profile": dict(profile),
        "channels": {name: _channel(fields[name]) for name in ("force", "depth", "pressure")},
    }


def _channel(channel: Any) -> Mapping[str, Any]:
    return {
        "unit": str(channel.unit),
        "fitted": bool(channel.fitted),
        "settle_samples": channel.settle_samples,
        "zero_counts": channel.zero_counts,
        "units_per_count": channel.nano_units_per_count * 1e-9,
    }


def _follow(session: Session, journal: JournalWriter, cycle: LifeCycle, settings: Settings) -> None:
    """Events move the life cycle; silence ends it. Returns when the needle is out or time is up."""
    clock = _Deadlines(session.transport.now(), settings)
    while cycle.state not in ENDED:
        for packet in session.receive():
            if packet.name != "EVENT":
                continue
            journal.sync(session.transport.now())
            what = INPUT_OF_EVENT.get(str(packet.fields.kind))
            if what is not None and cycle.feed(what):
                clock.note(what, session.transport.now())
        now = session.transport.now()
        if cycle.state == "removed":
            if now >= clock.removed_at + settings.settle_s:
                return
        elif clock.is_up(cycle.state, now):
            cycle.feed("time_out")


class _Deadlines:
    """When silence is long enough to end an attempt."""

    def __init__(self, now: float, settings: Settings) -> None:
        self._settings = settings
        self._began_at = now
        self._released_at: float | None = None
        self.removed_at = now

    def note(self, what: str, now: float) -> None:
        self._released_at = now if what == "released" else None
        if what == "withdrawal":
            self.removed_at = now

    def is_up(self, state: State, now: float) -> bool:
        if now - self._began_at >= self._settings.attempt_timeout_s:
            return True
        if state == "armed":
            return now - self._began_at >= self._settings.contact_timeout_s
        released = self._released_at
        return (
            state == "running" and released is not None and now - released >= self._settings.release_timeout_s
        )


def _stop_quietly(session: Session) -> str:
    """The board should stop too, but what it answers changes nothing."""
    error = session.stop_quietly()
    return f"ended by the user; then: {error}" if error else "ended by the user"
