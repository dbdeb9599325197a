"""`popsense flash` onto the emulated board, through mpremote, after a session that armed the watchdog."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

import pytest

from popsense.link.session import Session
from popsense.procedure.sites import ADULT_PROXIMAL_TIBIA
from popsense.technician.flash.install import Done, Flasher
from popsense.technician.flash.release import read_release
from popsense.technician.flash.repl import ReplBoard
from popsense.technician.ports import Port
from popsense.twin.firmware_files import firmware_root
from popsense.twin.insertion import Setup
from popsense.twin.script import build_script
from tests.conftest import Require
from tests.emulated.bone import EmulatedBone, emulated_bone
from tests.emulated.image import compiled, python_files
from tests.emulated.retry import once_more
from tests.emulated.transports import CHUNK_BYTES, Bridge, BridgedTransport

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

BOOT_S = 1.0
SESSION_S = 1.0
AT_PROMPT_S = 30.0  # the watchdog would bite after 8.3
AFTERWARDS_S = 30.0
FORMER = "0.0.9"
KEPT = {"calibration/kept.txt": b"this board's own\n"}
release = cache(lambda: read_release(firmware_root()))  # compiles: not while the tests are collected


class OpenedAgain(Bridge):
    """One client after another: mpremote and the link take turns."""

    def _exchange(self) -> None:
        arrivals = self._pico.usb.arrivals
        came = b"".join(arrival.data for arrival in arrivals[self._read :])
        self._read = len(arrivals)
        if self._client is None:
            with suppress(BlockingIOError):
                self._client, _ = self._listener.accept()
                self._client.setblocking(False)
            return
        try:
            self._client.sendall(came)
            heard = self._client.recv(CHUNK_BYTES)
        except BlockingIOError:
            return
        except ConnectionError:
            heard = b""
        self._pico.usb.write(heard)
        if not heard:
            self._client.close()
            self._client = None


class Unhurried(ReplBoard):
    """Stays at the prompt for half a minute in all, and looks at what must be left alone."""

    kept: dict[str, bytes]

    def __init__(self, device: str, bone: EmulatedBone) -> None:
        super().__init__(device)
        self._pico, self._until_s = bone.pico, bone.pico.now_s + AT_PROMPT_S

    def reset(self) -> None:
        if not self._silent:
            self.kept = {path: self.read(path) for path in KEPT}
        while not self._silent and self._pico.now_s < self._until_s:
            time.sleep(0.01)
        super().reset()


@dataclass(frozen=True)
class Flashed:
    """What came of it. resets: of the chip, in s since its power came. boots: boot id of each HELLO."""

    done: Done
    resets: list[float]
    boots: list[str]
    kept: dict[str, bytes]


def files_before() -> dict[str, bytes]:
    sources = python_files(firmware_root())
    version = tuple(int(part) for part in release().version.split("."))
    older = str(tuple(int(part) for part in FORMER.split(".")))
    settings = sources["bone/settings.py"].decode()
    assert f"FIRMWARE_VERSION = {version}" in settings
    sources["bone/settings.py"] = settings.replace(str(version), older, 1).encode()
    return compiled(sources) | KEPT


def flash_after_a_session() -> Flashed:
    bone = emulated_bone(files_before(), build_script(Setup(ADULT_PROXIMAL_TIBIA, "expert", "manual", 1)))
    resets = watched_resets(bone)
    bone.pico.boot()
    bone.pico.run(BOOT_S, lambda: bone.pico.usb.arrivals)
    bridge = OpenedAgain(bone.pico)

    def opened(url: str = "") -> BridgedTransport:
        return BridgedTransport(bridge, bone.pico, bone.hand.begin)

    try:
        have_session(opened())
        port = Port(bridge.url, named=True)
        boards: list[Unhurried] = []

        def at_prompt(name: str) -> Unhurried:
            boards.append(Unhurried(name, bone))
            return boards[-1]

        flasher = Flasher(port, opened, print, at_prompt)
        done = flasher.copy(release())
        boots = boot_ids(opened, AFTERWARDS_S)
        return Flashed(done, resets, boots, boards[0].kept)
    finally:
        bridge.close()


def watched_resets(bone: EmulatedBone) -> list[float]:
    """Grows with the instant of each reset by the watchdog, asked for or not."""
    watchdog = bone.pico.rp2040.watchdog
    trigger, resets = watchdog.on_watchdog_trigger, []

    def triggered() -> None:
        resets.append(bone.pico.now_s)
        trigger()

    watchdog.on_watchdog_trigger = triggered
    return resets


def have_session(transport: BridgedTransport) -> None:
    session = Session(transport)
    assert session.connect().firmware_version == FORMER
    session.start("guided", uncalibrated=True)
    until_s = transport.now() + SESSION_S
    while transport.now() < until_s:
        list(session.receive())
    assert session.stop()[0] > 0
    transport.close()


def boot_ids(opened: Callable[[], BridgedTransport], apart_s: float) -> list[str]:
    """Of the firmware that answers now, and so much later."""
    found: list[str] = []
    for wait_s in (0.0, apart_s):
        transport = opened()
        transport.wait(wait_s)
        found.append(Session(transport).connect().boot_id)
        transport.close()
    return found


@pytest.fixture(scope="module")
def flashed(require: Require) -> Flashed:
    require("pico_image")
    return once_more(flash_after_a_session)


def test_the_new_firmware_is_whole_and_says_its_version(flashed: Flashed):
    assert (flashed.done.action, flashed.done.version_before) == ("copied", FORMER)
    assert flashed.done.version_after == release().version
    assert {file.state for file in flashed.done.files} == {"same"}


def test_no_watchdog_resets_the_board_at_the_prompt_or_in_the_half_minute_after(flashed: Flashed):
    left, started = flashed.resets
    assert started - left > AT_PROMPT_S
    assert flashed.boots[0] == flashed.boots[1]


def test_the_calibration_is_what_it_was(flashed: Flashed):
    assert flashed.kept == KEPT
