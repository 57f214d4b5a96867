"""The addresses that name an engine, and the Java that Spark gets."""

from pathlib import Path

import pytest

from minewatch.engines.failures import EngineError
from minewatch.engines.java import NoJavaError, java_home
from minewatch.engines.local import LocalEngine
from minewatch.runs.engine_of import engine_of


@pytest.mark.parametrize(
    ("address", "workers", "processes"),
    [
        ("local[3]", 3, False),
        (" local[12] ", 12, False),
        ("local-processes[2]", 2, True),
    ],
)
def test_local_addresses(address: str, workers: int, processes: bool) -> None:
    engine = engine_of(address)
    assert isinstance(engine, LocalEngine)
    assert (engine.name, engine.workers, engine.processes) == ("local", workers, processes)


@pytest.mark.parametrize("address", [None, "local", "local[*]", "local-processes"])
def test_all_cores_where_no_number_is_given(address: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 4, 7}, raising=False)
    engine = engine_of(address)
    assert isinstance(engine, LocalEngine)
    assert engine.workers == 3


@pytest.mark.parametrize(
    "address",
    ["", "lokal", "local[0]", "local[-1]", "local[2", "spark://", "spark://host", "yarn", "spark:7077"],
)
def test_other_addresses_are_refused_in_both_languages(address: str) -> None:
    with pytest.raises(EngineError) as failure:
        engine_of(address)
    for language in ("en", "zh"):
        assert repr(address) in failure.value.text(language)
        assert "local[2]" in failure.value.text(language)


def test_a_master_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("minewatch.engines.spark.java_home", lambda: tmp_path)
    # Port 1 of loopback: nobody listens there.
    with pytest.raises(EngineError, match=r"spark://127\.0\.0\.1:1.*refused") as failure:
        engine_of("spark://127.0.0.1:1")
    assert "主节点" in failure.value.text("zh")


def make_java(home: Path, version: str, modules: str = "java.base jdk.incubator.vector") -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin" / "java").touch(mode=0o755)
    (home / "release").write_text(f'JAVA_VERSION="{version}"\nMODULES="{modules}"\n', encoding="utf-8")
    return home


def test_the_first_fit_java_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    homes = tmp_path / "jvm"
    make_java(homes / "a-old", "11.0.2")
    make_java(homes / "b-small", "25", modules="java.base")
    (homes / "c-empty").mkdir()
    with pytest.raises(NoJavaError) as failure:
        java_home(homes)
    assert "--engine local" in failure.value.text("en")
    assert "--engine local" in failure.value.text("zh")
    fit = make_java(homes / "d-fit", "17.0.15")
    assert java_home(homes) == fit
    on_path = make_java(tmp_path / "path", "21")
    monkeypatch.setenv("PATH", str(on_path / "bin"))
    assert java_home(homes) == on_path
    named = make_java(tmp_path / "named", "22.0.1")
    monkeypatch.setenv("JAVA_HOME", str(named))
    assert java_home(homes) == named
