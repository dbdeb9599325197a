"""All configuration in one model: environment (POPSENSE_*) over popsense.toml in the working folder."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from popsense.errors import UsageError

SETTINGS_FILE = "popsense.toml"


class Settings(BaseSettings):
    """Figures a lab may change. Times are on the transport's clock."""

    model_config = SettingsConfigDict(env_prefix="POPSENSE_", toml_file=SETTINGS_FILE, extra="forbid")

    recordings: Path = Path("recordings")  # folder for new journals
    contact_timeout_s: float = Field(default=60.0, gt=0)  # armed, and nobody touches the bone
    release_timeout_s: float = Field(default=8.0, gt=0)  # let go before breakthrough, and no new contact
    attempt_timeout_s: float = Field(
        default=180.0, gt=0
    )  # the whole attempt; a manual adult needle takes 55 s
    settle_s: float = Field(default=1.0, ge=0)  # recorded after the needle is out; new contact goes on

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings() -> Settings:
    """UsageError that names the setting, or the place in the file, which is wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UsageError(
            f"setting {where}: {first['msg']}", f"Correct {SETTINGS_FILE} or POPSENSE_*."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise UsageError(f"{SETTINGS_FILE} cannot be read: {error}", "Correct it, or remove it.") from error
