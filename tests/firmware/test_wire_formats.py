"""struct in both interpreters packs every declared packet as construct does, to the limits of every field."""

from typing import Any

import construct as c
import pytest

from popsense_protocol import packets
from popsense_protocol.codec import encode
from popsense_protocol.layouts import fixed_size, struct_format
from tests.firmware.conftest import Firmware
from tests.protocol.strategies import NAMES, flat, integer_range


@pytest.mark.parametrize("name", NAMES)
def test_the_firmwares_formats_agree_with_the_declarations(firmware: Firmware, name: str):
    kind = packets.PACKETS[name]
    for end in (0, 1):
        fields = _extreme(kind, end)
        values = [{"hex": v.hex()} if isinstance(v, bytes) else v for v in flat(kind, fields)]
        assert (
            firmware("pack", [struct_format(kind), values])
            == encode(name, **fields)[: fixed_size(kind)].hex()
        )


def _extreme(kind: Any, end: int) -> Any:
    """Every field at its smallest (end 0) or largest (1) value."""
    if isinstance(kind, c.Renamed):
        return _extreme(kind.subcon, end)
    if isinstance(kind, c.Struct):
        computed = (c.Const, c.Rebuild)
        return {s.name: _extreme(s, end) for s in kind.subcons if not isinstance(s.subcon, computed)}
    if isinstance(kind, c.Enum):
        return list(kind.encmapping)[-end]
    if isinstance(kind, c.FormatField):
        return integer_range(kind)[end]
    if isinstance(kind, c.Array):
        return [_extreme(kind.subcon, end)] * (kind.count if isinstance(kind.count, int) else end)
    if isinstance(kind, c.StringEncoded):
        return "~" * kind.sizeof() * end
    return bytes([255 * end]) * kind.sizeof()
