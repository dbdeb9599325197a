"""What a board says of itself, and whether this program understands it."""

from dataclasses import dataclass
from typing import Any

from popsense.analysis.sampling_cost import SamplingCost, cost_of
from popsense.errors import NotOurDeviceError, ProtocolMismatch
from popsense_protocol import packets
from popsense_protocol.codec import TYPE_OF_NAME, schema_hash


@dataclass(frozen=True)
class Hello:
    """HELLO. Rates in samples/s; ids as hex text; `fields` is the whole packet."""

    firmware_version: str
    interpreter: str
    board_id: str
    boot_id: str
    sample_rate_hz: float
    detector_version: int
    calibration_id: int
    fields: Any

    @property
    def sampling_cost(self) -> SamplingCost | None:
        """What the rate and the filter of the force converter cost; None without a force sensor."""
        return cost_of(self.sample_rate_hz, self.fields.force.settle_samples)


def read_hello(fields: Any) -> Hello:
    return Hello(
        firmware_version=".".join(str(part) for part in fields.firmware_version),
        interpreter=fields.interpreter,
        board_id=fields.board_id.hex(),
        boot_id=f"{fields.boot_id:08x}",
        sample_rate_hz=fields.sample_rate_mhz / 1000,
        detector_version=fields.detector_version,
        calibration_id=fields.calibration_id,
        fields=fields,
    )


def check_version(payload: bytes) -> None:
    """ProtocolMismatch for a HELLO of another protocol.

    Version and schema hash stand at fixed places in every version (protocol/README.md).
    """
    if payload[0] != TYPE_OF_NAME["HELLO"] or len(payload) < 8:
        return
    version, schema = int.from_bytes(payload[2:4], "little"), int.from_bytes(payload[4:8], "little")
    ours = packets.PROTOCOL_VERSION
    if version != ours:
        older = "the board's firmware" if version < ours else "this program"
        raise ProtocolMismatch(
            f"the board speaks protocol {version}, this program {ours}", f"Update {older}."
        )
    if schema != schema_hash():
        message = f"the board's packet layout {schema:08X} is not ours, {schema_hash():08X}"
        raise ProtocolMismatch(message, "Install firmware and program of the same release.")


def not_ours(name: str, heard: bool) -> NotOurDeviceError:
    """The error where no HELLO came. heard: but something else did."""
    if heard:
        return NotOurDeviceError(
            f"something answers on {name}, but no popsense board",
            f"Choose another port; `popsense doctor {name}` tells what it is.",
        )
    return NotOurDeviceError(
        f"no board answers on {name}",
        f"Check port and cable (some only charge); `popsense doctor {name}` looks for the cause.",
    )
