"""USB CDC as the firmware's console, in lockstep with the host. Runs in the child.

The host grants virtual time and sends its bytes along; the child answers with what the firmware wrote and a
closing record. Neither side runs ahead, so the same inputs give the same bytes whatever the machine does.
Host -> child: HOST_RECORD, then `count` bytes. Child -> host: any number of DATA_RECORD + bytes, then one
END_RECORD. A write behaves like CDC: 256-byte FIFO, blocks while the host does not read, what is left after
500 ms is discarded, all is discarded without DTR.
"""

import struct
import sys

HOST_RECORD = "<IHB"  # granted microseconds, count, flags
DATA_RECORD = "<BH"  # DATA, count
END_RECORD = "<BQQB"  # END, virtual microseconds, microseconds at the script's first sample, ended
DATA = 0x44
END = 0x45
FLAG_DTR = 1
FLAG_READING = 2
FLAG_BEGIN = 4
FLAG_EXIT = 8
FIFO_BYTES = 256
WRITE_TIMEOUT_MS = 500


class LockstepConsole:
    """What `bone.board.Console` is on the real board."""

    def __init__(self, world, stdin, stdout):
        self._world = world
        self._in = stdin
        self._out = stdout
        self._record = bytearray(struct.calcsize(HOST_RECORD))
        self._received = b""
        self._at = 0
        self._flags = 0
        self._fifo = bytearray(FIFO_BYTES)
        self._queued = 0
        world.at_horizon = self.exchange

    def any(self):
        return self._at < len(self._received)

    def read_byte(self):
        byte = self._received[self._at]
        self._at += 1
        return byte

    def write(self, buffer, count):
        """Blocks (in virtual time) while the FIFO is full; gives up after 500 ms, as TinyUSB's port does."""
        if not self._flags & FLAG_DTR:
            return
        done = 0
        waited_ms = 0
        while done < count and waited_ms < WRITE_TIMEOUT_MS:
            if self._flags & FLAG_READING:
                self._emit(memoryview(buffer)[done:count])
                return
            done += self._queue(memoryview(buffer)[done:count])
            if done < count:
                self._world.sleep_ms(1)
                waited_ms += 1

    def exchange(self):
        """Tells the host how far virtual time has come, waits for bytes and the next grant."""
        world = self._world
        self._write(struct.pack(END_RECORD, END, world.now_ns // 1000, world.origin_us, int(world.ended)))
        self._flush()
        self._read_exactly(self._record)
        granted_us, count, flags = struct.unpack(HOST_RECORD, self._record)
        fresh = bytearray(count)
        self._read_exactly(fresh)
        self._received = bytes(self._received[self._at :]) + bytes(fresh)
        self._at = 0
        self._flags = flags
        if flags & FLAG_EXIT:
            sys.exit(0)
        if flags & FLAG_BEGIN:
            world.begin()
        if flags & FLAG_READING and self._queued:
            self._emit(memoryview(self._fifo)[: self._queued])
            self._queued = 0
        world.horizon_ns = world.now_ns + granted_us * 1000

    def _queue(self, data):
        room = min(FIFO_BYTES - self._queued, len(data))
        self._fifo[self._queued : self._queued + room] = data[:room]
        self._queued += room
        return room

    def _emit(self, data):
        self._write(struct.pack(DATA_RECORD, DATA, len(data)))
        self._write(data)

    def _write(self, data):
        self._out.write(data)

    def _flush(self):
        if hasattr(self._out, "flush"):
            self._out.flush()

    def _read_exactly(self, buffer):
        view = memoryview(buffer)
        done = 0
        while done < len(buffer):
            count = self._in.readinto(view[done:])
            if not count:
                sys.exit(0)  # the host is gone
            done += count
