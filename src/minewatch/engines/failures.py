"""Why an engine cannot work: sentences in both languages that name what and what to do."""


class EngineError(Exception):
    """An engine cannot work as asked; ``text(language)`` says why and what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self._sentences = {"en": en, "zh": zh}

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self._sentences[language]

    def __reduce__(self) -> tuple[type["EngineError"], tuple[str, str]]:
        # Made anew from its sentences on the other side of a process border.
        return EngineError, (self._sentences["en"], self._sentences["zh"])
