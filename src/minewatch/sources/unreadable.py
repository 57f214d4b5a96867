"""A file that no reader can take, with the reason a person can act on."""

from pathlib import Path

from minewatch.schema.reasons import Reason


class UnreadableFile(Exception):  # noqa: N818  (names what it speaks of, as the user sees it)
    """A whole file is refused; ``text(language)`` names the file and what to do."""

    def __init__(self, path: Path, reason: Reason) -> None:
        super().__init__(f"{path.name}: {reason.text('en')}")
        self.path = path
        self.reason = reason

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return f"{self.path}: {self.reason.text(language)}"
