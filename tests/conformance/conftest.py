"""Engines under test, among them Spark on a cluster that is started for the session."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from cluster import Cluster

from minewatch.engines.base import Engine
from minewatch.engines.java import NoJavaError, java_home
from minewatch.runs.engine_of import engine_of


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Return a running cluster with two workers; without Java the test is left out, in CI it fails."""
    try:
        home = java_home()
    except NoJavaError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"left out, Spark cannot be tested here: {error}")
    started = Cluster(tmp_path_factory.mktemp("spark"), home)
    try:
        started.start(workers=2)
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="session")
def spark(cluster: Cluster) -> Iterator[Engine]:
    """Return the engine on that cluster; its workers can import the modules of this folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        engine = engine_of(cluster.address)
        try:
            yield engine
        finally:
            engine.close()
