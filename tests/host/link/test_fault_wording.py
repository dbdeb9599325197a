"""Every fault has its words."""

import string

import pytest

from popsense.link.fault_wording import FAULTS, fault_notice, present_faults, wording_of
from popsense_protocol.packets import Fault

NAMES = [str(name) for name in Fault.encmapping]


def test_no_fault_of_the_protocol_is_without_words_and_no_words_are_of_none():
    assert list(FAULTS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_fault_is_told_with_what_was_measured_and_what_to_do(name: str):
    words = FAULTS[name]
    assert words.told() == f"{words.sentence}."
    assert words.remedy.endswith(".")
    assert len(words.title) <= 30
    fields = [field for _, field, _, _ in string.Formatter().parse(words.measured) if field]
    assert set(fields) <= {"value"}
    if words.measured:
        assert str(7) in words.told(7)
        assert words.told(-7)


@pytest.mark.parametrize("name", NAMES)
def test_a_bit_of_health_is_its_fault(name: str):
    assert present_faults(1 << Fault.encmapping[name]) == (name,)


def test_bits_are_listed_by_code_and_one_of_a_newer_board_is_no_crash():
    assert present_faults(1 << 3 | 1 << 1 | 1 << 30) == ("force_converter", "force_cell_shorted", "fault 30")
    assert "Update popsense" in wording_of("fault 30").remedy


def test_the_notice_has_a_line_for_each_fault_and_none_without():
    assert fault_notice(0) == ""
    lines = fault_notice(1 << 1 | 1 << 15).splitlines()
    assert [line.split(".")[0] for line in lines] == [
        FAULTS["force_converter"].sentence,
        FAULTS["undervoltage"].sentence,
    ]
    assert all(
        words.remedy in line
        for words, line in zip((FAULTS["force_converter"], FAULTS["undervoltage"]), lines, strict=True)
    )
