"""How a verb ends when its input is at fault: one clear sentence, no traceback, exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console

from minewatch.cli.language import language


@contextmanager
def failing(*errors: type[Exception]) -> Iterator[None]:
    """Turn ``errors`` into a red sentence on standard error and exit code 2.

    An error with a ``text(language)`` method is asked for its sentence in the terminal's language.
    """
    try:
        yield
    except errors as error:
        text = getattr(error, "text", None)
        sentence = text(language()) if callable(text) else str(error)
        Console(stderr=True).print(sentence, style="red", markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(2) from error
