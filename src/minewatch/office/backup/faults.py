"""Why a backup or a restore was not done, in the languages of the terminal."""

from dataclasses import dataclass


@dataclass
class BackupFault(Exception):  # noqa: N818 - named for what it is
    """What stands against it, in English and Chinese."""

    en: str
    zh: str

    def text(self, language: str) -> str:
        """Return the sentence in a language."""
        return self.zh if language == "zh" else self.en

    def __str__(self) -> str:
        return self.en
