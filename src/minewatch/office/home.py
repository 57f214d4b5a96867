"""The folder where an office keeps what is its own: secret key, SQLite file, evidence files, settings."""

import os
import secrets
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

HOME_VARIABLE = "MINEWATCH_OFFICE_HOME"
_KEY_FILE, _SETTINGS_FILE = "secret.key", "office.toml"


@dataclass(frozen=True)
class Home:
    """Where an office lives and what its ``office.toml`` says (keys are those of ``SETTINGS``)."""

    folder: Path
    said: dict[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> Path:
        """Folder of the evidence files."""
        return self.folder / "files"

    @property
    def workers(self) -> Path:
        """Folder of the locks that say which workers live."""
        return self.folder / "workers"

    @property
    def database_url(self) -> str:
        """Address of the database; a SQLite file in the folder where nothing else is said."""
        return str(self.said.get("database", f"sqlite:///{self.folder / 'office.sqlite3'}"))

    def secret_key(self) -> str:
        """Return the key that signs sessions; before ``make_key`` one that lasts as long as the process."""
        try:
            return (self.folder / _KEY_FILE).read_text("ascii")
        except FileNotFoundError:
            return secrets.token_urlsafe(64)

    def make_key(self) -> None:
        """Make the key where there is none, readable by its owner alone; of two makers the first wins."""
        self.folder.mkdir(parents=True, exist_ok=True)
        attempt = self.folder / f"{_KEY_FILE}.{os.getpid()}"
        with open(
            os.open(attempt, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii"
        ) as file:
            file.write(secrets.token_urlsafe(64))
        with suppress(FileExistsError):
            os.link(attempt, self.folder / _KEY_FILE)
        attempt.unlink()


SETTINGS = {
    "database": "address of the database, as postgresql://user:password@host/name",
    "hosts": "names under which the office is called, a list",
    "origins": "origins that may post forms, as https://office.example, a list",
    "behind_tls": "a proxy in front speaks TLS: cookies are sent over it only",
    "idle_minutes": "minutes without a request after which a session ends",
    "sessions": "sessions that one account may have at a time",
    "password_days": "days after which a password is changed; 0 where it never is",
    "second_factor": "required, or optional where accounts are of no consequence (a demonstration)",
    "file_mb": "largest evidence file that is taken, in MB",
    "scanner": "command that is given the path of each evidence file and ends with 0 if all is well, a list",
    "token_days": "days that a token of the programming interface lasts at most",
    "api_per_minute": "requests a minute of one token",
    "api_per_minute_without_token": "requests a minute without a valid token from one address",
    "findings_mb": "largest file of findings that is taken over the programming interface, in MB",
    "webhook_hosts": "hosts in the office's own network, as host or host:port, that webhooks may go to",
    "webhook_retry_s": "seconds after which a webhook is first tried again; four times as many each time",
    "oidc": "table of OpenID Connect providers: id → {name, client_id, secret, server_url}",
}
"""Keys of ``office.toml`` and what they mean."""


class UnknownSetting(ValueError):  # noqa: N818 - named for what it is
    """``office.toml`` holds a key that is none of ``SETTINGS``."""

    def __init__(self, path: Path, keys: list[str]) -> None:
        super().__init__(f"{path}: unknown {', '.join(keys)}; known are {', '.join(SETTINGS)}")


def origins(providers: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return scheme and host of each OpenID Connect provider, once."""
    parts = [urlsplit(said["server_url"]) for said in providers.values()]
    return sorted({f"{part.scheme}://{part.netloc}" for part in parts})


def home() -> Home:
    """Return the office's home: ``$MINEWATCH_OFFICE_HOME``, else ``office`` in the working directory."""
    folder = Path(os.environ.get(HOME_VARIABLE, "office")).absolute()
    path = folder / _SETTINGS_FILE
    said = tomllib.loads(path.read_text("utf-8")) if path.is_file() else {}
    if unknown := sorted(set(said) - set(SETTINGS)):
        raise UnknownSetting(path, unknown)
    return Home(folder, said)
