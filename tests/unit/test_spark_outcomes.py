"""What comes back from a Spark worker: results, errors as they were, and errors that cannot travel."""

import errno

import pytest

from minewatch import __version__
from minewatch.engines.failures import EngineError
from minewatch.engines.spark import _outcome, _received, _unseen
from minewatch.engines.spark_failures import NotSharedError


class StubbornError(Exception):
    """Can be sent but not opened again."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first)
        self.second = second


def stubborn(item: str) -> None:
    raise StubbornError(item, "lost on the way")


def unshared(item: str) -> None:
    raise FileNotFoundError(errno.ENOENT, "No such file or directory", item)


def test_a_result_keeps_its_place() -> None:
    assert _received(_outcome(abs, __version__, 7, -3)) == (7, 3)


def test_an_error_that_cannot_travel_arrives_as_text_with_its_traceback() -> None:
    with pytest.raises(RuntimeError, match=r"StubbornError: odd curve[\s\S]*on Spark worker"):
        _received(_outcome(stubborn, __version__, 0, "odd curve"))


def test_a_worker_of_another_version_refuses() -> None:
    with pytest.raises(EngineError, match=r"0\.0\.0") as failure:
        _received(_outcome(abs, "0.0.0", 0, -3))
    assert __version__ in failure.value.text("zh")


def test_a_file_that_a_worker_does_not_see_is_named_with_what_to_do() -> None:
    with pytest.raises(NotSharedError, match=r"/lake/part-1\.parquet.*shared") as failure:
        _received(_outcome(unshared, __version__, 0, "/lake/part-1.parquet"))
    assert "共享" in failure.value.text("zh")


def test_a_place_that_came_twice_counts_once() -> None:
    seen: set[int] = {1}
    outcomes = [(0, False, b""), (1, False, b""), (0, False, b"again"), (2, False, b"")]
    assert [place for place, _, _ in _unseen(outcomes, seen)] == [0, 2]
    assert seen == {0, 1, 2}
