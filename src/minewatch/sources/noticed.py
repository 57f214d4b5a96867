"""Notes of a reader on the file as a whole, each told once."""

from minewatch.schema.reasons import Reason, reason


class Noticed:
    """Collects notes; ``take`` gives those that were not given yet."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], Reason] = {}
        self._given = 0

    def add(self, why: Reason, about: str = "") -> None:
        """Note ``why`` once for each ``about``."""
        self._seen.setdefault((why.code, about), why)

    def take(self) -> tuple[Reason, ...]:
        """Return the notes that are new since the last call."""
        new = tuple(self._seen.values())[self._given :]
        self._given = len(self._seen)
        return new


def unknown_columns(names: tuple[str, ...]) -> list[Reason]:
    """Return a note that names columns of a file that are not used; empty where there are none."""
    if not names:
        return []
    shown = ", ".join(names[:20]) + (" …" if len(names) > 20 else "")
    return [reason("columns_not_used", columns=shown, count=len(names))]
