"""Why the lake refuses: sentences in both languages that name where and what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_DISK_ERRORS = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_DISK_WORDS = ("No space left on device", "Disk quota exceeded", "File too large")


class LakeError(Exception):
    """A lake cannot be used as asked; ``text(language)`` says why and what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self._sentences = {"en": en, "zh": zh}

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return self._sentences[language]


class NoLakeError(LakeError):
    """There is no lake in the folder."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} is not a lake: it has no lake.json. `minewatch ingest {path} FILES` makes one",
            f"{path}不是数据湖:没有lake.json。可用 `minewatch ingest {path} 文件` 创建",
        )


class LakeExistsError(LakeError):
    """The folder is taken."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} exists and is not empty: choose another folder for a new lake",
            f"{path}已存在且非空:请为新数据湖另选文件夹",
        )


class ForeignFormatError(LakeError):
    """The lake was written by another version of Minewatch, or its lake.json is damaged."""

    def __init__(self, path: Path, found: object) -> None:
        super().__init__(
            f"{path}: lake.json has format {found!r}, which this version does not read",
            f"{path}:lake.json的格式为{found!r},本版本无法读取",
        )


class NoRevisionError(LakeError):
    """The commit asked for is not in the log."""

    def __init__(self, path: Path, revision: int) -> None:
        super().__init__(
            f"{path} has no commit {revision}; `minewatch lake {path}` shows the newest",
            f"{path}没有第{revision}次提交;`minewatch lake {path}` 可查看最新提交",
        )


class LakeBusyError(LakeError):
    """Another writer holds the lock."""

    def __init__(self, path: Path, holder: str, waited_s: float) -> None:
        super().__init__(
            f"{path} is being written by {holder}; gave up after {waited_s:.0f} s. Try again when it is done",
            f"{path}正由{holder}写入;已等待{waited_s:.0f}秒。请待其完成后重试",
        )


class DiskFullError(LakeError):
    """No room left, or the quota or file size limit is reached."""

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            f"no room to write in {path} ({detail}). The lake is as it was before; "
            "make room and run the same command again",
            f"{path}没有写入空间({detail})。数据湖保持原状;请腾出空间后重新运行同一命令",
        )


class FileChangedError(LakeError):
    """A file was written to while it was read."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} changed while it was being read; nothing of it was taken. Try again when it is complete",
            f"{path}在读取过程中发生变化;未采用其中任何内容。请在文件写完后重试",
        )


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn a full disk under ``path`` into ``DiskFullError``, whichever library met it."""
    try:
        yield
    except Exception as error:
        # DuckDB and Delta have errors of their own that are no OSError and carry the system's words only.
        if getattr(error, "errno", None) in _DISK_ERRORS or any(word in str(error) for word in _DISK_WORDS):
            raise DiskFullError(path, getattr(error, "strerror", None) or str(error)) from error
        raise
