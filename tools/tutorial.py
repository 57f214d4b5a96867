"""Runs a tutorial in percent cells and writes its page: text, code, and what each cell printed."""

import contextlib
import io
import re
import sys
from pathlib import Path

_CELL = re.compile(r"^# %%(?P<kind> \[markdown\])?\n", re.M)


def page_of(script: Path) -> str:
    """Return the page that ``script`` makes; its cells run in one namespace."""
    pieces = _CELL.split(script.read_text("utf-8"))[1:]
    scope = {"__name__": "__tutorial__", "__file__": str(script.resolve())}
    parts = []
    for kind, body in zip(pieces[::2], pieces[1::2], strict=True):
        if kind:
            parts.append(body.strip().strip('"').strip())
            continue
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(body, str(script), "exec"), scope)  # noqa: S102
        parts.append(f"```python\n{body.strip()}\n```")
        if said.getvalue():
            parts.append(f"```\n{said.getvalue().rstrip()}\n```")
    return "\n\n".join(parts) + "\n"


if __name__ == "__main__":
    source = Path(sys.argv.pop(1))
    source.with_name(source.stem.replace("_", "-") + ".md").write_text(page_of(source), "utf-8")
