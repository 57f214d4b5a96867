"""Settings and fixtures of all tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from tests import postgresql

# Times drift on shared machines; a slow example is no defect. In CI the examples are the same at each run.
settings.register_profile("local", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder with real captures and meter series, or a skip that says so."""
    default = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("MINEWATCH_SHARED_DATA", default))
    if not folder.is_dir():
        pytest.skip(f"the real data sets are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgresql.Server]:
    """Return a PostgreSQL of the session's own; without one the test is left out, in CI it fails."""
    try:
        with postgresql.running() as server:
            yield server
    except postgresql.NoPostgres as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"left out, PostgreSQL cannot be tested here: {error}")
