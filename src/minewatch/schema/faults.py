"""What went wrong through something that the user can put right."""


class Fault(Exception):  # noqa: N818  (its kinds name what they speak of, as the user sees it)
    """Ends a verb with one sentence, in the user's language."""

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        _ = language
        return str(self)
