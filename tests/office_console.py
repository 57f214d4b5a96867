"""An office with life in it, served for a browser: its accounts, and how a person moves in its console."""

import base64
import hashlib
import hmac
import os
import signal
import socket
import struct
import subprocess
import sys
import textwrap
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
ROOT = Path(__file__).parents[1]
AXE = ROOT / "src/minewatch/office/web/static/vendor/axe.min.js"
PASSWORD = "gobi-lantern-42-river"  # noqa: S105 - of the offices that these tests make
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
SHOTS = ROOT / "build" / "screenshots"
_SETTINGS = 'second_factor = "optional"\nsessions = 20\n'


@dataclass(frozen=True)
class Office:
    """Where an office lives and where it is served."""

    home: Path
    address: str

    def run(self, code: str) -> str:
        """Run Python in the office, in a process of its own; return what it prints."""
        opened = "import sys; from pathlib import Path; from minewatch.office import running\n"
        opened += f"running.open_office(Path({str(self.home)!r}))\n"
        command = [sys.executable, "-c", opened + textwrap.dedent(code)]
        return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout.strip()

    def log_in(self, page: Page, name: str, password: str = PASSWORD) -> None:
        """Log in by the form."""
        page.goto(f"{self.address}/account/login/")
        page.fill("input[name=login]", name)
        page.fill("input[name=password]", password)
        page.press("input[name=password]", "Enter")
        page.wait_for_load_state("networkidle")

    def open(self, page: Page, path: str) -> None:
        """Open a page and wait for its parts."""
        page.goto(f"{self.address}{path}")
        page.wait_for_load_state("networkidle")


@contextmanager
def served(home: Path, *fillings: list[str]) -> Iterator[Office]:
    """Set an office up, fill it by verbs of ``minewatch office``, serve it with a worker, stop it."""
    (home / "office.toml").write_text(_SETTINGS, "utf-8")
    for words in (["setup", "--demo-password", PASSWORD], *fillings):
        subprocess.run([MINEWATCH, "office", *words, "--home", str(home)], check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        bind = f"127.0.0.1:{free.getsockname()[1]}"
    with (home / "serve.log").open("wb") as log:
        serve = [MINEWATCH, "office", "serve", "--bind", bind, "--processes", "1", "--home", str(home)]
        worker = [MINEWATCH, "office", "worker", "--home", str(home)]
        started = [
            subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
            for command in (serve, worker)
        ]
        try:
            wait_for(f"http://{bind}/healthz")
            yield Office(home, f"http://{bind}")
        finally:
            for process in started:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(30)


def wait_for(address: str) -> None:
    for _ in range(120):
        try:
            urllib.request.urlopen(address, timeout=2)  # noqa: S310 - our own server
        except OSError:
            time.sleep(0.5)
        else:
            return
    raise AssertionError(address)


def faults(page: Page, name: str) -> list[tuple[str, str, str]]:
    """Return what is wrong with an open page: rules of WCAG that it breaks, and whether it is too wide."""
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate(f"axe.run({RULES})")["violations"]
    broken = [(name, rule["id"], rule["nodes"][0]["html"][:160]) for rule in found]
    wider = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return [*broken, (name, "wider than the screen", str(wider))] if wider > 0 else broken


def kept(page: Page, name: str) -> None:
    """Keep a picture of the whole page under ``build/screenshots``."""
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=str(SHOTS / f"{name}.png"), full_page=True)


def one_time_code(secret: str, at: float) -> str:
    """Return the code of an authenticator at a time (RFC 6238, SHA-1, 6 digits, 30 s)."""
    key = base64.b32decode(secret.replace(" ", "").upper())
    digest = hmac.new(key, struct.pack(">Q", int(at) // 30), hashlib.sha1).digest()
    start = digest[-1] & 0xF
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
