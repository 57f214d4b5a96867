"""Files that give their bytes only once: pipes, devices and standard input, which is named ``-``."""

import shutil
from io import FileIO
from pathlib import Path

STANDARD_INPUT = Path("-")


def is_pipe(path: Path) -> bool:
    """Tell whether ``path`` exists and gives its bytes only once."""
    return path == STANDARD_INPUT or (path.exists() and not path.is_file() and not path.is_dir())


def size_of(path: Path) -> int:
    """Return the size of a file in bytes, 0 of a pipe. Raises OSError."""
    return 0 if is_pipe(path) else path.stat().st_size


def open_pipe(path: Path) -> FileIO:
    """Open a pipe; closing standard input leaves it open. Raises OSError."""
    return FileIO(0, closefd=False) if path == STANDARD_INPUT else FileIO(path)


def first_bytes(pipe: FileIO, size: int) -> bytes:
    """Read ``size`` bytes, fewer only at the end."""
    head = b""
    while len(head) < size and (more := pipe.read(size - len(head))):
        head += more
    return head


def spooled(path: Path, folder: Path) -> Path:
    """Copy a pipe to its end into a file in ``folder``; needs as much room there. Raises OSError."""
    copy = folder / ("stdin" if path == STANDARD_INPUT else path.name)
    with open_pipe(path) as source, copy.open("wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
    return copy
