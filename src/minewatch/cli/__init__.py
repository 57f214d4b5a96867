"""The command ``minewatch``: thin verbs in the words of the stages."""

import gc

_GARBAGE_AFTER = 50_000
"""Objects made before Python looks for circles of garbage: millions are made, and hardly any circles."""


def main() -> None:
    """Run the command line."""
    gc.set_threshold(_GARBAGE_AFTER, 20, 100)
    from minewatch.cli.app import app

    app()


__all__ = ["main"]
