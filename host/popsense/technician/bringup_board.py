"""A board at its prompt for the bring-up, by the ways of `popsense flash`."""

from collections.abc import Callable, Generator
from contextlib import contextmanager

from popsense.errors import DeviceError, LinkLost
from popsense.technician.bringup import AGAIN, Prompt
from popsense.technician.discovery import OpenUrl
from popsense.technician.flash.approach import reach_prompt
from popsense.technician.flash.repl import ReplBoard
from popsense.technician.ports import Port


@contextmanager
def at_prompt(
    port: Port, open_url: OpenUrl, open_prompt: Callable[[str], Prompt] = ReplBoard
) -> Generator[Prompt]:
    """The prompt, after the firmware was asked to leave; in the end it is started again, in any case."""
    transport = open_url(port.address)
    try:
        reach_prompt(transport, port)
        name = transport.name
    finally:
        transport.close()  # a port has one user
    try:
        prompt = open_prompt(name)
    except LinkLost as error:
        raise DeviceError(f"no prompt comes on {port.name}", AGAIN) from error
    try:
        yield prompt
    finally:
        prompt.reset()
        prompt.close()
