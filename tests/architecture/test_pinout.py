"""Pins: firmware/bone/board.py and hardware/pinout.toml say the same."""

import ast
import tomllib
from collections import Counter

from tests.architecture.tree import ROOT

SUFFIX = "_GPIO"
PICO_GPIOS = {*range(23), 26, 27, 28, 29}  # on the edge of a Raspberry Pi Pico, and a third of VSYS inside
ADC_GPIOS = {26, 27, 28, 29}


def pins_of_the_firmware() -> dict[str, int]:
    source = (ROOT / "firmware/bone/board.py").read_text(encoding="utf-8")
    found: dict[str, int] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if name.endswith(SUFFIX):
                found[name.removesuffix(SUFFIX)] = ast.literal_eval(node.value)
    return found


def pins_of_the_hardware() -> dict[str, int]:
    table = tomllib.loads((ROOT / "hardware/pinout.toml").read_text(encoding="utf-8"))
    return {pin["name"]: pin["gpio"] for pin in table["pin"]}


def test_firmware_and_hardware_agree():
    assert pins_of_the_firmware() == pins_of_the_hardware() != {}


def test_no_name_and_no_gpio_twice():
    table = tomllib.loads((ROOT / "hardware/pinout.toml").read_text(encoding="utf-8"))
    for key in ("name", "gpio"):
        assert [value for value, n in Counter(pin[key] for pin in table["pin"]).items() if n > 1] == []


def test_every_gpio_can_be_had_and_analogue_ones_can_convert():
    pins = pins_of_the_hardware()
    assert set(pins.values()) <= PICO_GPIOS
    assert {gpio for name, gpio in pins.items() if name.endswith("_ADC")} <= ADC_GPIOS


def test_every_pin_says_what_it_does():
    table = tomllib.loads((ROOT / "hardware/pinout.toml").read_text(encoding="utf-8"))
    assert all(pin["function"] and pin["wire"] for pin in table["pin"])
