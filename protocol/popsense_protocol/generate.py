"""Writes what is derived from `packets`: firmware/bone/wire.py and the tables of protocol/README.md.

`python -m popsense_protocol.generate` writes, `--check` compares and exits 1 with the names of stale files.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from popsense_protocol import packets
from popsense_protocol.codec import TYPE_OF_NAME, schema_hash
from popsense_protocol.layouts import SAMPLE_DTYPE, Field, fields, fixed_size, struct_format

REPOSITORY = Path(__file__).resolve().parents[2]
BEGIN = "<!-- generated: packet tables -->"
FIELD_HEAD = "| offset | bytes | type | field | meaning |\n|---|---|---|---|---|"
END = "<!-- end of generated tables -->"
# Every name costs the device memory and time to start: offsets only of the packets in whose bytes it reads or
# writes, formats only of those that it packs or unpacks as a whole.
WITH_OFFSETS = {"STATUS", "ACK", "NAK", "FAULT", "HEALTH", "START", "RESEND"}
WITH_FORMAT = {"HELLO", "PROFILE", "RESEND"}


def wire_module() -> str:
    """Source of firmware/bone/wire.py."""
    head = '"""GENERATED from protocol/popsense_protocol/packets.py by generate.py; do not edit."""'
    body = [*_scalars(), "", *_packet_constants(), "", *_enum_constants()]
    return "\n".join([head, "", "from micropython import const", "", *body]) + "\n"


def readme_tables() -> str:
    """The packet, enumeration and flag tables of protocol/README.md."""
    parts = [_packet_table(name, struct) for name, struct in packets.PACKETS.items()]
    parts += [_sample_table(), _enum_tables()]
    return (
        f"Schema hash `0x{schema_hash():08X}`, protocol version {packets.PROTOCOL_VERSION}.\n\n"
        + "\n".join(parts)
    )


def outputs() -> dict[Path, str]:
    """Every generated file with the content it must have."""
    readme = REPOSITORY / "protocol" / "README.md"
    before, _, rest = readme.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    return {
        REPOSITORY / "firmware" / "bone" / "wire.py": wire_module(),
        readme: f"{before}{BEGIN}\n\n{readme_tables()}\n{END}{after}",
    }


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="popsense_protocol.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is stale")
    check = parser.parse_args(arguments).check
    wanted = outputs()
    stale = [
        path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    for path in stale:
        print(f"{'stale' if check else 'wrote'}: {path.relative_to(REPOSITORY)}")
        if not check:
            path.write_text(wanted[path], encoding="utf-8")
    if check and stale:
        print("run: python -m popsense_protocol.generate")
    return int(check and bool(stale))


def _scalars() -> Iterator[str]:
    yield f"PROTOCOL_VERSION = const({packets.PROTOCOL_VERSION})"
    yield f"SCHEMA_HASH = const(0x{schema_hash():08X})"
    yield f"IDENTIFY_MAGIC = {packets.IDENTIFY_MAGIC!r}".replace("'", '"')
    yield f"FORCE_OFFSET_COUNTS = const(0x{packets.FORCE_OFFSET_COUNTS:X})"
    yield f"SAMPLE_SIZE = const({SAMPLE_DTYPE.itemsize})"
    for name, value in packets.FLAGS.items():
        yield f"{name} = const(0x{value:02X})"


def _packet_constants() -> Iterator[str]:
    for name, struct in packets.PACKETS.items():
        yield f"{name} = const(0x{TYPE_OF_NAME[name]:02X})"
        if name in WITH_FORMAT:
            yield f'{name}_FORMAT = "{struct_format(struct)}"'
        yield f"{name}_SIZE = const({fixed_size(struct)})"
        if name in WITH_OFFSETS:
            yield from (
                f"{name}_{field.name.upper()}_AT = const({field.offset})" for field in fields(struct)[1:]
            )


def _enum_constants() -> Iterator[str]:
    for prefix, enum in packets.ENUMS.items():
        for name, value in enum.encmapping.items():
            yield f"{prefix}_{name.upper()} = const({value})"


def _packet_table(name: str, struct: Any) -> str:
    title = f"### {name} (0x{TYPE_OF_NAME[name]:02X}, {fixed_size(struct)} bytes"
    rows = "\n".join(_row(field) for field in fields(struct))
    tail = " + 8 bytes a sample" if name == "SAMPLE_BLOCK" else ""
    return f"{title}{tail})\n\n{FIELD_HEAD}\n{rows}\n"


def _sample_table() -> str:
    rows = "\n".join(_row(field) for field in fields(packets.Sample))
    return f"### Sample (8 bytes, in SAMPLE_BLOCK)\n\n{FIELD_HEAD}\n{rows}\n"


def _row(field: Field) -> str:
    return f"| {field.offset} | {field.size} | `{field.code}` | {field.name} | {field.meaning} |"


def _enum_tables() -> str:
    rows = [
        f"| {prefix} | {', '.join(f'{value} {name}' for name, value in enum.encmapping.items())} |"
        for prefix, enum in packets.ENUMS.items()
    ]
    flags = "\n".join(f"| {name} | 0x{value:02X} |" for name, value in packets.FLAGS.items())
    enums = "| enumeration | values |\n|---|---|\n" + "\n".join(rows)
    return f"### Enumerations and flags\n\n{enums}\n\n| flag | bit |\n|---|---|\n{flags}\n"


if __name__ == "__main__":
    sys.exit(main())
