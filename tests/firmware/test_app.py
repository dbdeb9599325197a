"""The application on the fake board: who may ask what and when, and that every sample arrives as it was."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from popsense_protocol import packets
from popsense_protocol.codec import encode
from popsense_protocol.framing import encode_frame
from tests.conftest import Require
from tests.firmware.bench import DEAF, REST_SAMPLES, Bench, noise, powered, push_and_pop, quiet
from tests.firmware.interpreters import INTERPRETERS
from tests.firmware.sources import constants
from tests.protocol.strategies import plain

RING = constants("sample_ring.py")["RING_SAMPLES"]


@pytest.fixture(params=INTERPRETERS)
def interpreter(request: pytest.FixtureRequest, require: Require) -> str:
    if request.param == "micropython":
        require("micropython")
    return request.param


@pytest.fixture
def bench(require: Require) -> Iterator[Bench]:
    """A board in real MicroPython."""
    require("micropython")
    with powered(noise(), "micropython") as found:
        yield found


def refusal(answer: Any) -> str:
    assert answer.name == "NAK"
    return str(answer.fields.reason)


def answer_to(bench: Bench, payload: bytes) -> Any:
    """The only ACK or NAK that came upon this frame."""
    (answer,) = [p for p in bench.run(30, encode_frame(payload)) if p.name in ("ACK", "NAK")]
    return answer


def covered(blocks: list[Any]) -> list[int]:
    """Index of every sample in the blocks, in the order of arrival."""
    return [block.first_sample + k for block in blocks for k in range(block.count)]


def test_hello_is_repeated_and_says_what_the_board_is(bench: Bench):
    idle = [packet for packet in bench.run(2000) if packet.name != "FAULT"]  # of a cell that is all noise
    assert {packet.name for packet in idle} == {"HELLO"}
    assert len(idle) == 10
    assert all(packet == bench.packets[0] for packet in idle)
    fields = idle[0].fields
    assert (fields.protocol_version, fields.ring_samples, fields.reset_cause) == (
        packets.PROTOCOL_VERSION,
        RING,
        "power_on",
    )
    assert fields.sample_rate_mhz == pytest.approx(1e12 / 1_012_345, rel=1e-4)
    assert fields.interpreter.startswith("micropython 1.")
    assert fields.options == packets.OPTION_DEPTH | packets.OPTION_PRESSURE


def test_hello_status_and_health_come_every_second_while_sampling(bench: Bench):
    bench.begin()
    names = [packet.name for packet in bench.run(5000)]
    # Every second, or up to 50 ms later: the chores have their turn.
    assert {names.count(name) for name in ("HELLO", "STATUS", "HEALTH")} <= {4, 5}
    last = [packet.fields for packet in bench.packets if packet.name == "STATUS"][-1]
    assert (last.state, last.overruns, last.missed, last.bad_frames) == ("sampling", 0, 0, 0)
    assert last.heap_free_bytes > 10_000


def test_nothing_is_started_before_identify(bench: Bench):
    assert refusal(bench.ask("START", mode="guided", request=1)) == "not_identified"
    assert refusal(bench.ask("STOP", request=2)) == "not_identified"
    assert bench.ask("IDENTIFY").name == "ACK"
    assert bench.ask("START", mode="blind", request=3).name == "ACK"


def test_stop_when_idle_and_start_when_sampling_are_refused(bench: Bench):
    bench.ask("IDENTIFY")
    assert refusal(bench.ask("STOP", request=9)) == "not_sampling"
    bench.begin(request=10)
    bench.run(300)
    answer = bench.ask("START", mode="guided", request=11)
    assert (refusal(answer), answer.fields.request) == ("already_sampling", 11)
    bench.run(300)
    assert covered(bench.blocks()) == list(range(len(covered(bench.blocks()))))


def test_the_same_request_is_answered_again_and_not_done_twice(bench: Bench):
    bench.begin(request=5)
    bench.run(500)
    again = bench.ask("START", mode="guided", request=5)
    assert again.name == "ACK"
    assert again.fields.next_sample > 400
    stopped = bench.ask("STOP", request=6)
    repeated = bench.ask("STOP", request=6)
    assert (stopped.name, _but_clock(repeated)) == ("ACK", _but_clock(stopped))
    assert covered(bench.blocks()) == list(range(stopped.fields.next_sample))


def test_a_new_session_that_counts_its_requests_from_one_starts_nothing_by_mistake(bench: Bench):
    """The host crashed while the board sampled; its successor must not take the old attempt for its own."""
    bench.begin(request=1)
    bench.run(300)
    assert bench.ask("IDENTIFY").name == "ACK"
    assert refusal(bench.ask("START", mode="guided", request=1)) == "already_sampling"


def test_a_second_attempt_counts_from_zero(bench: Bench):
    for request in (1, 3):
        bench.packets.clear()
        bench.ask("IDENTIFY")
        bench.ask("START", mode="assessment", request=request)
        bench.run(200)
        stopped = bench.ask("STOP", request=request + 1)
        assert covered(bench.blocks()) == list(range(stopped.fields.next_sample))


def test_what_is_no_valid_command_is_refused_with_its_reason(bench: Bench):
    bench.ask("IDENTIFY")
    unknown = answer_to(bench, b"\x7f\0\0\0")
    short = answer_to(bench, b"\x42\0\0")
    mode = answer_to(bench, bytes([0x42, 3, 1, 0, packets.START_UNCALIBRATED]))
    impostor = answer_to(bench, b"\x41popsensE")
    cut = answer_to(bench, b"\x41pop")
    reasons = [refusal(answer) for answer in (unknown, short, mode, impostor, cut)]
    assert reasons == ["unknown_command", "malformed", "malformed", "malformed", "malformed"]


def test_an_impostor_does_not_identify(bench: Bench):
    assert refusal(answer_to(bench, b"\x41popsensE")) == "malformed"
    assert refusal(bench.ask("START", mode="guided", request=1)) == "not_identified"


def test_damaged_frames_are_ignored_and_counted(bench: Bench):
    bench.begin()
    good = encode_frame(encode("STOP", request=77))
    wrong_crc = good[:-3] + bytes([good[-3] ^ 1]) + good[-2:]
    foul = [wrong_crc, b"\x09abc\0", b"\x55" * 500 + b"\0", b"\x02a\0", bytes(20)]  # the last is idle filling
    came = bench.run(1500, b"".join(foul))
    status = [packet.fields for packet in came if packet.name == "STATUS"][-1]
    assert status.bad_frames == 4
    assert not [packet for packet in came if packet.name in ("ACK", "NAK")]
    assert bench.ask("STOP", request=77).name == "ACK"


def test_a_command_may_come_in_pieces_and_after_noise(bench: Bench):
    bench.ask("IDENTIFY")
    start = encode("START", mode="guided", request=1, options=packets.START_UNCALIBRATED)
    frame = b"noise\0" + encode_frame(start)
    came = [packet for at in range(len(frame)) for packet in bench.run(2, frame[at : at + 1])]
    assert [packet.name for packet in came if packet.name != "HELLO"] == ["ACK"]


def test_every_sample_is_that_of_the_chips_bit_by_bit(interpreter: str):
    script = noise()
    with powered(script, interpreter) as bench:
        bench.begin()
        bench.run(1000)
        stopped = bench.ask("STOP", request=2)
    blocks = bench.blocks()
    assert covered(blocks) == list(range(stopped.fields.next_sample))
    got = np.array([(s.force_and_flags, s.depth, s.pressure) for b in blocks for s in b.samples], np.int64)
    got[:, 0] = (got[:, 0] & packets.FORCE_MASK) - packets.FORCE_OFFSET_COUNTS
    chips = np.column_stack([script.force_counts, script.depth_codes.sum(1), script.pressure_codes.sum(1)])
    begins = _sample_at(blocks, bench.origin_us or 0)
    assert (got[begins : begins + len(chips)] == chips).all()
    rest = np.tile(chips[:REST_SAMPLES], (3, 1))
    assert any((rest[k : k + begins] == got[:begins]).all() for k in range(REST_SAMPLES))


def test_saturation_is_flagged_through_the_whole_path(bench: Bench):
    bench.begin()
    bench.run(1000)
    samples = [sample for block in bench.blocks() for sample in block.samples]
    flags = {0: 0x07, packets.FORCE_MASK: 0x07}
    found = {s.force_and_flags & 0xFFFFFF: s.force_and_flags >> 24 for s in samples}
    assert {code: found[code] for code in flags} == flags


def test_an_event_leaves_before_the_block_with_its_sample(interpreter: str):
    with powered(push_and_pop(), interpreter) as bench:
        bench.begin()
        bench.run(780)  # the script goes on for 800 samples
        stopped = bench.ask("STOP", request=2)
    seen = 0
    kinds = []
    for packet in bench.packets:
        if packet.name == "SAMPLE_BLOCK":
            seen = packet.fields.first_sample + packet.fields.count
        elif packet.name == "EVENT":
            kinds.append(str(packet.fields.kind))
            assert packet.fields.sample_index >= seen
            assert packet.fields.sample_index < seen + 20
    assert kinds == ["contact", "pop", "loss_of_resistance"]
    assert (stopped.fields.next_event, stopped.fields.next_sample) == (3, seen)


@pytest.fixture
def untouched(require: Require) -> Iterator[Bench]:
    """A board in real MicroPython on which nothing happens, so that no events mingle with the blocks."""
    require("micropython")
    with powered(quiet(), "micropython") as found:
        yield found


def test_a_host_that_does_not_read_for_20_s_costs_a_counted_hole(untouched: Bench):
    """The ring holds 8 s. Frames discarded by USB and samples overwritten in the ring are both holes."""
    bench = untouched
    bench.begin()
    bench.run(500)
    bench.damaged_frames_allowed = 1  # USB cuts a frame
    for _ in range(20):
        assert bench.run(1000, flags=DEAF) == []
    bench.run(10_000)
    status = [packet.fields for packet in bench.packets if packet.name == "STATUS"][-1]
    stopped = bench.ask("STOP", request=2)
    assert stopped.name == "ACK"
    index = covered(bench.blocks())
    assert index == sorted(set(index))
    assert index[-1] == stopped.fields.next_sample - 1
    lost = stopped.fields.next_sample - len(index)
    discarded = lost - status.overruns
    assert status.overruns > 20 * 900 - RING - 1000
    # Each write gave up after 500 ms: 40 in 20 s, in turns a block and one of HELLO and STATUS.
    assert (discarded % 20, discarded // 20) == (0, pytest.approx(40 / 2, abs=2))
    jumps = np.diff(index)
    # The frame that waited when the host came back was whole: where it is a block, it parts the hole in two.
    assert np.count_nonzero(jumps > 1) in (1, 2)
    assert lost == (jumps - 1).sum()
    assert status.missed == 0


def _but_clock(ack: Any) -> dict[str, Any]:
    """Its fields without the instant at which it was sent."""
    return {key: value for key, value in plain(ack.fields).items() if key != "ticks_us"}


def _sample_at(blocks: list[Any], ticks_us: int) -> int:
    """Index of the first sample not before this instant (no wrap in the first minutes)."""
    for block in blocks:
        for k in range(block.count):
            if block.first_ticks_us + k * 1012.345 >= ticks_us - 5:
                return block.first_sample + k
    raise AssertionError("the script never began")
