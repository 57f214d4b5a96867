"""Worker and server killed over and over in the middle of their work, against an undisturbed twin."""
# ruff: noqa: S608 - questions of our own

import base64
import json
import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.office_life import MINEWATCH, PASSWORD, ROOT, living, minewatch

KILLS = 7
MOST_OF_A_JOB = 3
"""Workers killed at one job: at five it would count as failed."""

_JOBS = "django_tasks_database_dbtaskresult"
_SITE = "intake_knownsite k ON k.site_id"
_OF_CASE = f"JOIN verify_case c ON c.id = x.case_id JOIN {_SITE} = c.site_id"
CONTENT = {
    "findings": "SELECT finding_id, state FROM intake_finding",
    "exhibits": "SELECT f.finding_id FROM intake_exhibit e JOIN intake_finding f ON f.id = e.finding_id",
    "sites": f"SELECT k.site_key, s.state, s.power_kw, s.posterior FROM register_site s JOIN {_SITE} = s.id",
    "links": f"SELECT k.site_key, x.probability FROM register_link x JOIN {_SITE} = x.site_id",
    "deliveries": "SELECT run_id, origin, state, counts, aside FROM intake_delivery",
    "cases": f"SELECT k.site_key, c.state, a.code FROM verify_case c JOIN {_SITE} = c.site_id"
    " JOIN platform_agency a ON a.id = c.holder_id",
    "orders": f"SELECT k.site_key, x.kind, x.state, x.words, a.code FROM verify_order x {_OF_CASE}"
    " JOIN platform_agency a ON a.id = x.agency_id",
    "moves": f"SELECT k.site_key, x.before, x.after FROM verify_move x {_OF_CASE}",
    "statements": "SELECT subject_kind, COUNT(*) FROM register_statement GROUP BY 1",
    "acts": "SELECT action, actor, COUNT(*) FROM platform_auditentry GROUP BY 1, 2",
    "events": "SELECT kind, delivered_at IS NULL, COUNT(*) FROM platform_event"
    " WHERE kind != 'platform.hour_began' GROUP BY 1, 2",
    "work": "SELECT title, state, done, total, result FROM platform_work",
}


def ask(home: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(
        sqlite3.connect(f"file:{home / 'office.sqlite3'}?mode=ro", uri=True, timeout=20)
    ) as database:
        return sorted(database.execute(question).fetchall(), key=repr)


def is_done(home: Path) -> bool:
    jobs = f"SELECT COUNT(*) FROM {_JOBS} WHERE status IN ('READY', 'RUNNING')"
    waiting = "SELECT COUNT(*) FROM platform_event WHERE delivered_at IS NULL"
    return ask(home, f"{jobs} UNION ALL {waiting}") == [(0,), (0,)]


def begun(home: Path) -> Path:
    minewatch("office", "setup", "--demo-password", PASSWORD, "--home", home)
    assert living("begin", home).wait(120) == 0
    return home


def worker(home: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [MINEWATCH, "office", "worker", "--home", str(home)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def work_to_the_end(home: Path) -> None:
    process = worker(home)
    ends = time.monotonic() + 180
    while not is_done(home):
        assert process.poll() is None
        assert time.monotonic() < ends, "the work does not end"
        time.sleep(0.3)
    process.terminate()
    assert process.wait(60) == 0


def killed_in_the_middle(home: Path, chance: random.Random) -> bool:
    """Start a worker and kill it a moment after it did something; False where it was not at a job."""
    acts = "SELECT MAX(id) FROM platform_auditentry"
    before, process = ask(home, acts), worker(home)
    while ask(home, acts) == before and not is_done(home):
        time.sleep(0.002)
    time.sleep(chance.random() * chance.choice((0.01, 0.1, 0.6)))
    tried = ask(home, f"SELECT worker_ids FROM {_JOBS} WHERE status = 'RUNNING'")
    at_a_job = bool(tried) and tried[0][0].count('"') // 2 <= MOST_OF_A_JOB
    process.send_signal(signal.SIGKILL if at_a_job else signal.SIGTERM)
    process.wait(60)
    return at_a_job


@pytest.mark.parametrize("seed", [1])
def test_a_worker_killed_again_and_again_loses_and_doubles_nothing(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    twin, home = begun(tmp_path / "twin"), begun(tmp_path / "home")
    work_to_the_end(twin)
    kills = 0
    for _ in range(KILLS):
        if is_done(home):
            break
        kills += killed_in_the_middle(home, chance)
    assert kills >= 3
    work_to_the_end(home)
    for what, question in CONTENT.items():
        assert ask(home, question) == ask(twin, question), what
    assert [row[1] for row in ask(home, CONTENT["work"])] == ["done"] * 4
    assert list((home / "deliveries").iterdir()) == []
    minewatch("office", "audit", "verify", "--home", home)


def asked_of(home: Path) -> list[list[str]]:
    """Set an office up; return what programs are to ask of its server."""
    minewatch("office", "setup", "--demo-password", PASSWORD, "--home", home)
    command = [sys.executable, "-m", "tests.office_life", "ask", str(home)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return list(json.loads(done.stdout))


class Program(threading.Thread):
    """Asks one thing after the other, each again under its key until it is answered."""

    def __init__(self, address: str, asked: list[list[str]]) -> None:
        super().__init__(daemon=True)
        self.address, self.asked = address, asked
        self.answers: list[int] = []
        self.unanswered = 0

    def run(self) -> None:
        for number, (path, token, content) in enumerate(self.asked):
            headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"ask-{number}"}
            headers["Content-Type"] = "application/octet-stream"
            body = base64.b64decode(content)
            while not self._answered(path, headers, body):
                self.unanswered += 1
                time.sleep(0.05)

    def _answered(self, path: str, headers: dict[str, str], body: bytes) -> bool:
        try:
            sent = httpx.post(f"{self.address}/api/v1/{path}", headers=headers, content=body, timeout=60)
        except httpx.HTTPError:
            return False
        self.answers.append(sent.status_code)
        return True


def server(home: Path, port: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [MINEWATCH, "office", "serve", "--home", str(home), "--bind", f"127.0.0.1:{port}", "--quiet"],
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def served(home: Path, chance: random.Random | None) -> int:
    """Serve a program to its end; with ``chance``, kill the server in between. Return how often."""
    asked = asked_of(home)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    acts, kills = "SELECT MAX(id) FROM platform_auditentry", 0
    program = Program(f"http://127.0.0.1:{port}", asked)
    process = server(home, port)
    program.start()
    while chance and kills < KILLS and program.is_alive():
        before = ask(home, acts)
        while ask(home, acts) == before and program.is_alive():
            time.sleep(0.002)
        time.sleep(chance.random() * chance.choice((0.005, 0.05, 0.3)))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        process = server(home, port)
    program.join(180)
    os.killpg(process.pid, signal.SIGTERM)
    process.wait(60)
    assert program.answers == [200] * len(asked)
    return kills if program.unanswered else 0


def test_a_server_killed_again_and_again_loses_and_doubles_nothing(tmp_path: Path) -> None:
    twin, home = tmp_path / "twin", tmp_path / "home"
    served(twin, None)
    assert served(home, random.Random(1)) >= 3
    for one in (twin, home):
        work_to_the_end(one)
    for what, question in CONTENT.items():
        # a refused or repeated use of a token is an act of its own
        rows = [[row for row in ask(one, question) if row[0] != "token_used"] for one in (home, twin)]
        assert rows[0] == rows[1], what
    assert list((home / "deliveries").iterdir()) == []
    minewatch("office", "audit", "verify", "--home", home)
