"""A board's files by MicroPython's raw prompt, through mpremote's SerialTransport.

Its class and not its command line: one connection for all steps (a program each would reset the interpreter
and read its own messages back), its errors as exceptions, code of ours run on the board for hashes and
renames, and any address that pyserial opens, such as socket:// of an emulated board. Looked at in mpremote
1.29: `enter_raw_repl` sends 0x03, so a board comes here only after `approach` has found MicroPython on it.
"""

import ast
import struct
from collections.abc import Callable, Generator
from contextlib import contextmanager, redirect_stdout, suppress
from io import StringIO
from typing import Any

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from popsense.errors import DeviceError, LinkLost
from popsense.technician.flash.board import About
from popsense.technician.flash.plan import PLACES

Hear = Callable[[bytes], None]
TIMEOUT_S = 10.0  # between two bytes; erasing a flash block takes 45 ms (W25Q16 datasheet, typical)
TRIES = 3
CHUNK_BYTES = 768  # what one command writes; as text up to four times as much, and the board holds both

# 0x40058000: WATCHDOG_CTRL, bit 30 ENABLE (RP2040 datasheet 4.7.6).
_ABOUT = """
import sys
for n in ('bone.settings','bone'):sys.modules.pop(n,None)
i=sys.implementation
m=getattr(i,'_machine','')
d=False
if 'RP2040' in m:
 import machine
 d=bool(machine.mem32[0x40058000]>>30&1)
try:
 from bone.settings import FIRMWARE_VERSION as v
except Exception:
 v=()
print(repr((tuple(i.version[:3]),getattr(i,'_mpy',0),m,d,'.'.join(str(n) for n in v))))
"""

_HASHES = """
import os,hashlib,binascii
b=memoryview(bytearray(1024))
def one(p):
 d=hashlib.sha256()
 with open(p,'rb') as f:
  while True:
   n=f.readinto(b)
   if not n:break
   d.update(b[:n])
 print(repr((p,binascii.hexlify(d.digest()).decode())))
def walk(p):
 try:
  folder=os.stat(p)[0]&0x4000
 except OSError:
  return
 if folder:
  for e in os.ilistdir(p):walk(p+'/'+e[0])
 else:one(p)
"""

_COPY = """
with open({source!r},'rb') as f:
 with open({target!r},'wb') as g:
  while True:
   b=f.read(1024)
   if not b:break
   g.write(b)
"""

_REMOVE = """
import os
def remove(p):
 try:
  folder=os.stat(p)[0]&0x4000
 except OSError:
  return
 if folder:
  for e in list(os.ilistdir(p)):remove(p+'/'+e[0])
  os.rmdir(p)
 else:os.remove(p)
"""

_MAKE_FOLDER = """
import os
try:
 os.stat({path!r})
except OSError:
 os.mkdir({path!r})
"""


class ReplBoard:
    """See board.BoardFiles. LinkLost where no raw prompt comes. Sends Ctrl-C.

    device: as pyserial names it. soft_reset: begin with a fresh heap, without running main.py.
    """

    def __init__(self, device: str, soft_reset: bool = True) -> None:
        self._name = device
        self._silent = False
        with self._explained():
            self._repl = SerialTransport(device, timeout=TIMEOUT_S)
        try:
            self._enter(soft_reset)
        except LinkLost:
            self.close()
            raise

    def about(self) -> About:
        return About(*self._said(_ABOUT)[0])

    def hashes(self) -> dict[str, str]:
        return dict(self._said(_HASHES + "".join(f"walk({place!r})\n" for place in PLACES)))

    def free_bytes(self) -> int:
        (free,) = self._said("import os\ns=os.statvfs('/')\nprint(s[0]*s[3])")
        return free

    def read(self, path: str) -> bytes:
        (data,) = self._said(f"with open({path!r},'rb') as f:print(repr(f.read()))")
        return data

    def make_folder(self, path: str) -> None:
        self._said(_MAKE_FOLDER.format(path=path))

    def put(self, path: str, data: bytes) -> None:
        self._said(f"f=open({path!r},'wb')\nw=f.write")
        for at in range(0, len(data), CHUNK_BYTES):
            self._said(f"w({data[at : at + CHUNK_BYTES]!r})")
        self._said("f.close()")

    def copy(self, source: str, target: str) -> None:
        self._said(_COPY.format(source=source, target=target))

    def rename(self, *moves: tuple[str, str]) -> None:
        self._said("import os\n" + "".join(f"os.rename({old!r},{new!r})\n" for old, new in moves))

    def remove(self, path: str) -> None:
        self._said(f"{_REMOVE}remove({path!r})")

    def run(self, code: str, hear: Hear = lambda _: None, quiet_s: float = TIMEOUT_S) -> None:
        """Runs code there; each byte that it prints goes to `hear` as it comes. quiet_s: longest silence."""
        with self._explained():
            _, complaint = self._repl.exec_raw(code, timeout=quiet_s, data_consumer=hear)
            if complaint:
                raise TransportExecError(b"", complaint.decode(errors="backslashreplace"))

    def reset(self) -> None:
        """What the board had still to say is lost with its port."""
        if not self._silent:
            with suppress(LinkLost), self._explained():
                self._repl.exec_raw_no_follow("import machine\nmachine.reset()")
        self.close()

    def close(self) -> None:
        self._silent = True
        with suppress(serial.SerialException, OSError):  # of a device that is gone
            self._repl.close()

    def _enter(self, soft_reset: bool) -> None:
        """Once more where the first Ctrl-C ended a command whose output was in the way."""
        for left in reversed(range(TRIES)):
            try:
                with self._explained(), redirect_stdout(StringIO()):  # it prints what it did not expect
                    self._repl.enter_raw_repl(soft_reset=soft_reset, timeout_overall=TIMEOUT_S)
                self._silent = False
                return
            except LinkLost:
                if not left:
                    raise

    def _said(self, code: str) -> list[Any]:
        """Runs code there; what it printed, a literal a line."""
        with self._explained():
            return [ast.literal_eval(line) for line in self._repl.exec(code).decode().splitlines() if line]

    @contextmanager
    def _explained(self) -> Generator[None]:
        """Their errors as ours."""
        try:
            yield
        except TransportExecError as error:
            last = (error.error_output.strip().splitlines() or ["an error"])[-1]
            raise DeviceError(
                f"the board refused: {last}", "Run popsense flash again; popsense doctor looks at the board."
            ) from error
        except (
            TransportError,
            serial.SerialException,
            OSError,
            struct.error,
            ValueError,
            SyntaxError,
        ) as error:
            self._silent = True
            raise LinkLost(
                f"the board on {self._name} stopped answering at its prompt",
                "Unplug it, plug it in, run popsense flash again: it finishes, or puts back what was there.",
            ) from error
