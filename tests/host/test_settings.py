"""Settings: defaults, popsense.toml, environment, and one line about what is wrong."""

from pathlib import Path

import pytest

from popsense.errors import UsageError
from popsense.settings import SETTINGS_FILE, Settings, load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("RECORDINGS", "CONTACT_TIMEOUT_S", "RELEASE_TIMEOUT_S", "ATTEMPT_TIMEOUT_S", "SETTLE_S"):
        monkeypatch.delenv(f"POPSENSE_{name}", raising=False)
    return tmp_path


def test_defaults():
    settings = load_settings()
    assert settings.recordings == Path("recordings")
    assert settings.contact_timeout_s == 60.0
    assert settings.attempt_timeout_s > settings.contact_timeout_s > settings.release_timeout_s


def test_the_file_in_the_working_folder(folder: Path):
    (folder / SETTINGS_FILE).write_text("contact_timeout_s = 5\nrecordings = 'there'\n", encoding="utf-8")
    assert load_settings().contact_timeout_s == 5
    assert load_settings().recordings == Path("there")
    assert load_settings().settle_s == Settings.model_fields["settle_s"].default


def test_the_environment_wins(folder: Path, monkeypatch: pytest.MonkeyPatch):
    (folder / SETTINGS_FILE).write_text("contact_timeout_s = 5\nsettle_s = 2\n", encoding="utf-8")
    monkeypatch.setenv("POPSENSE_CONTACT_TIMEOUT_S", "7.5")
    assert load_settings().contact_timeout_s == 7.5
    assert load_settings().settle_s == 2


def test_other_variables_of_ours_are_no_settings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POPSENSE_REQUIRE", "micropython")
    load_settings()


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("contact_timout_s = 5", "contact_timout_s"),
        ("contact_timeout_s = -1", "contact_timeout_s"),
        ("release_timeout_s = 0", "release_timeout_s"),
        ("attempt_timeout_s = 'long'", "attempt_timeout_s"),
        ("attempt_timeout_s = nan", "attempt_timeout_s"),
        ("settle_s = -0.1", "settle_s"),
        ("recordings = 3", "recordings"),
        ("settle_s = [", SETTINGS_FILE),
        ("settle_s = 1\nsettle_s = 2", SETTINGS_FILE),
    ],
)
def test_a_mistake_is_named(folder: Path, line: str, named: str):
    (folder / SETTINGS_FILE).write_text(line, encoding="utf-8")
    with pytest.raises(UsageError, match=named) as caught:
        load_settings()
    assert caught.value.remedy


def test_a_file_that_is_no_text_is_named(folder: Path):
    (folder / SETTINGS_FILE).write_bytes(b"settle_s = 1 # \xff")
    with pytest.raises(UsageError, match=SETTINGS_FILE):
        load_settings()


def test_a_mistake_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("POPSENSE_SETTLE_S", "soon")
    with pytest.raises(UsageError, match="settle_s"):
        load_settings()
