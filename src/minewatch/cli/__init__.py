"""The command ``minewatch``: thin verbs in the words of the stages."""


def main() -> None:
    """Run the command line."""
    from minewatch.cli.app import app

    app()


__all__ = ["main"]
