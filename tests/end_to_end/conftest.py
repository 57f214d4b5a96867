"""A real browser, or a loud skip; in CI a missing one is a failure."""

import os
import shutil
from collections.abc import Iterator
from typing import NoReturn

import pytest
from playwright.sync_api import Browser, sync_playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Headless Chromium of the system."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        _leave_out("Chromium is not installed (Debian: apt-get install chromium)")
    try:
        play = sync_playwright().start()
    except Exception as error:  # the driver tells of a missing library only by ending
        _leave_out(f"Playwright's driver does not start (Debian: apt-get install libatomic1): {error}")
    # Playwright's loop runs in this thread for good: Django would take every test behind it for asynchronous
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    started = play.chromium.launch(executable_path=path, args=FLAGS)
    yield started
    started.close()
    play.stop()


def _leave_out(sentence: str) -> NoReturn:
    pytest.fail(sentence) if os.environ.get("CI") else pytest.skip(sentence)
