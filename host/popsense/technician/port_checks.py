"""The checks of one port, from its permission to the force sensor behind it."""

import errno
from collections.abc import Sequence
from dataclasses import replace

from popsense.errors import LinkLost, PopsenseError, PortError, ProtocolMismatch, UsageError
from popsense.link.hello import Hello
from popsense.link.serial_transport import refusal_code
from popsense.technician import remedies
from popsense.technician.answer import Answer, answer_of
from popsense.technician.checks import Check, failed, not_applicable, ok
from popsense.technician.condition_checks import check_condition
from popsense.technician.flash.release import release_version
from popsense.technician.ports import OTHER_PROGRAMS, Port
from popsense.technician.system import System
from popsense.twin.firmware_files import firmware_root
from popsense_protocol.packets import PROTOCOL_VERSION

NAMES = (
    "port",
    "permission",
    "not in use",
    "DTR",
    "firmware",
    "protocol",
    "force sensor",
    "faults",
    "calibration",
)


def check_port(port: Port, system: System) -> list[Check]:
    """One check for each of NAMES; those behind a failure that hides them are "not applicable".

    UsageError where the address is none.
    """
    try:
        transport = system.open_url(port.address)
    except UsageError:
        raise
    except PopsenseError as error:
        return _filled_up(port, _refused(port, error, system))
    try:
        answer = answer_of(transport, may_prompt=port.is_serial and (port.runs_micropython or port.named))
        checks = [*_opened(port, system), _dtr(answer), *_firmware(port, answer)]
        return _filled_up(port, [*checks, *check_condition(port, answer.hello, answer.session)])
    finally:
        transport.close()


def no_port() -> list[Check]:
    """The same list where there is no port to look at."""
    return [not_applicable(name, "no board's port was found") for name in NAMES]


def _filled_up(port: Port, checks: Sequence[Check]) -> list[Check]:
    rest = [not_applicable(name, "not reached") for name in NAMES[len(checks) :]]
    return [replace(check, subject=port.name) for check in (*checks, *rest)]


# ---- opening it ----------------------------------------------------------------------------------------


def _refused(port: Port, error: PopsenseError, system: System) -> list[Check]:
    """Up to the check that the refusal belongs to."""
    code = refusal_code(error) if isinstance(error, PortError) else 0
    if code == errno.EACCES:
        return [ok("port", "is there"), _forbidden(port, system)]
    if code == errno.EBUSY:
        others = ", ".join(system.holders(port.name))
        held = failed("not in use", f"held by {others or 'another program'}", _close(others))
        return [ok("port", "is there"), ok("permission", "granted"), held]
    return [failed("port", str(error), error.remedy)]


def _forbidden(port: Port, system: System) -> Check:
    access = system.access_to(port.name)
    if access.group not in ("", "root") and access.group_may:
        seen = f"only members of the group {access.group} may use it"
        return failed("permission", seen, *remedies.join_the_group(access.group))
    return failed("permission", "only its owner may use it", *remedies.allow_the_port(port))


def _opened(port: Port, system: System) -> list[Check]:
    """Not every program locks the port that it opens."""
    others = ", ".join(system.holders(port.name)) if port.is_serial else ""
    alone = ok("not in use", "ours alone")
    shared = failed("not in use", f"also open in {others}: each gets a part of the bytes", _close(others))
    return [ok("port", "is there"), ok("permission", "granted"), shared if others else alone]


def _close(others: str) -> str:
    if "ModemManager" in others:
        return "Wait half a minute: ModemManager lets go of what is no modem."
    return f"Close {others or 'the other program (a serial monitor, mpremote, Thonny, popsense)'}."


# ---- listening to it -----------------------------------------------------------------------------------


def _dtr(answer: Answer) -> Check:
    if answer.dtr == "renewed":
        return failed(
            "DTR",
            "nothing came until DTR was switched off and on again",
            remedies.REPLUG,
            "If it happens again, connect it without hub, adapter or virtual machine: they must pass DTR on.",
        )
    if not answer.heard:
        return not_applicable("DTR", "cannot be told, nothing came")
    return ok("DTR", "on, bytes come")


def _firmware(port: Port, answer: Answer) -> list[Check]:
    if answer.hello is not None:
        return _healthy(port, answer.hello)
    if isinstance(answer.problem, ProtocolMismatch):
        seen = "a popsense board of another release"
        return [ok("firmware", seen), _mismatch(port, answer, answer.problem)]
    if isinstance(answer.problem, LinkLost):
        return [failed("firmware", str(answer.problem), answer.problem.remedy)]
    if answer.at_the_prompt:
        return [_prompt(port, answer)]
    return [_foreign(port) if answer.heard else _silent(port)]


def _healthy(port: Port, hello: Hello) -> list[Check]:
    spoken = ok("protocol", f"version {PROTOCOL_VERSION}, as this program")
    if hello.sample_rate_hz > 0:
        return [_release(port, hello), spoken, ok("force sensor", _rate(hello))]
    remedy = "Check the cable between board and load cell, then plug the board in again."
    return [_release(port, hello), spoken, failed("force sensor", "does not answer the board", remedy)]


def _rate(hello: Hello) -> str:
    """The rate, and of a slow converter what it costs."""
    costs = hello.sampling_cost.sentences if hello.sampling_cost else ()
    return " ".join(costs) or f"{hello.sample_rate_hz:,.1f} samples/s"


def _release(port: Port, hello: Hello) -> Check:
    """Our firmware, as old as this program's files or newer."""
    seen = f"popsense {hello.firmware_version} on {hello.interpreter}, board {hello.board_id}"
    try:
        ours = release_version(firmware_root())
    except PopsenseError:
        return ok("firmware", seen)  # the check of the installation tells
    if _parts(hello.firmware_version) >= _parts(ours):
        return ok("firmware", seen)
    return failed("firmware", f"{seen}; this program brings {ours}", *remedies.copy_firmware(port))


def _parts(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


def _mismatch(port: Port, answer: Answer, problem: ProtocolMismatch) -> Check:
    """An older board's firmware is ours to replace; of a newer board, this program is."""
    if (answer.protocol_version or 0) > PROTOCOL_VERSION:
        step = "Install popsense of the release that the board's firmware came with."
        return failed("protocol", str(problem), problem.remedy, step)
    steps = (f"{remedies.REPLUG} Then copy the firmware of this release:", *remedies.copy_firmware(port))
    return failed("protocol", str(problem), problem.remedy, *steps)


def _prompt(port: Port, answer: Answer) -> Check:
    words = answer.last_words
    if not words:
        seen = "MicroPython's prompt answers, no firmware of ours runs"
        return failed("firmware", seen, *remedies.at_the_prompt(port))
    if words.startswith("KeyboardInterrupt"):
        return failed("firmware", "stopped by Ctrl-C", *remedies.at_the_prompt(port))
    again = f"{remedies.REPLUG} If the error comes back, copy the firmware again:"
    return failed("firmware", f"stopped by an error: {words}", again, *remedies.copy_firmware(port))


def _foreign(port: Port) -> Check:
    if program := _other_program(port):
        return failed("firmware", f"{program} answers", *remedies.use_our_micropython(program))
    if port.runs_micropython:
        first = "If nobody needs that program, copy the firmware onto the board:"
        return failed("firmware", "a program that is not ours", first, *remedies.copy_firmware(port))
    seen = "something answers that is neither a popsense board nor MicroPython"
    return failed("firmware", seen, "Choose another port: popsense devices lists them.")


def _silent(port: Port) -> Check:
    seen = "nothing comes, neither HELLO nor a prompt"
    if not port.is_serial:
        remedy = "Check that the board is at the other end, and that the bridge there switches DTR on."
        return failed("firmware", seen, remedy)
    if program := _other_program(port):
        return failed("firmware", seen, *remedies.use_our_micropython(program))
    return failed(
        "firmware",
        seen,
        f"{remedies.REPLUG} If it stays silent, put MicroPython onto it anew.",
        f"{remedies.ENTER_BOOT_LOADER} Then run popsense doctor again.",
    )


def _other_program(port: Port) -> str:
    """What runs there by its USB id, if that is neither MicroPython nor unknown."""
    return OTHER_PROGRAMS.get(port.product_id or 0, "") if port.may_be_a_board else ""
