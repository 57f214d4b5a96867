"""``make demo``, with a smaller county: from foreign files to a console where one logs in and finds cases."""

import http.cookiejar
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PASSWORD = "gobi-Lantern-42-river"  # noqa: S105 - of the demonstration that this test makes


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """What the demonstration said until it served, and its address; interrupted at the end as Ctrl-C does."""
    bind = f"127.0.0.1:{free_port()}"
    environment = os.environ | {
        "DEMO_FOLDER": str(tmp_path_factory.mktemp("demo") / "demo"),
        "DEMO_CUSTOMERS": "300",
        "DEMO_BIND": bind,
        "DEMO_PASSWORD": PASSWORD,
        "MINEWATCH_LANG": "en",
    }
    process = subprocess.Popen(
        ["tools/demo.sh"], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if "The console:" in line:
                break
        assert process.poll() is None, "".join(said)
        yield "".join(said), f"http://{bind}"
    finally:
        os.killpg(process.pid, signal.SIGINT)
        process.stdout.read()
        assert process.wait(60) == 0


def opener() -> urllib.request.OpenerDirector:
    jar = http.cookiejar.CookieJar()
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))


def page(browser: urllib.request.OpenerDirector, address: str, **posted: str) -> str:
    body = urllib.parse.urlencode(posted).encode() if posted else None
    request = urllib.request.Request(address, body, {"Referer": address, "Accept-Language": "en"})  # noqa: S310
    for _ in range(60):
        try:
            with browser.open(request, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError as error:
            if not isinstance(error.reason, ConnectionRefusedError):
                raise

            time.sleep(0.5)
    raise AssertionError(f"nobody answers at {address}")


def test_it_ends_in_a_console_that_one_can_log_in_to(demo: tuple[str, str]) -> None:
    said, address = demo
    assert re.search(r"county +汉源县发展和改革委员会 +Case officer, Inspector", said)
    assert PASSWORD in said
    assert address in said
    browser = opener()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)', page(browser, f"{address}/account/login/"))
    assert token is not None
    given = {"login": "county", "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    home = page(browser, f"{address}/account/login/", **given)
    assert "county" in home or "县 承办人" in home
    assert "511823" in page(browser, f"{address}/cases/")


def test_a_port_that_is_taken_is_said_before_the_work(demo: tuple[str, str]) -> None:
    bind = demo[1].removeprefix("http://")
    done = subprocess.run(
        ["tools/demo.sh"], cwd=ROOT, env=os.environ | {"DEMO_BIND": bind, "DEMO_FOLDER": "nowhere"},
        capture_output=True, text=True, check=False, timeout=20,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"listens on {bind} already" in done.stderr
    assert not (ROOT / "nowhere").exists()
