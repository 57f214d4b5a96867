"""The operator's verbs of an office, each as a command of its own: accounts, regions, the audit chain."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest


class Office:
    """An office in a folder, spoken to by its command."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *words: str, code: int = 0) -> str:
        command = [
            str(Path(sys.executable).with_name("minewatch")),
            "office",
            *words,
            "--home",
            str(self.home),
        ]
        environment = os.environ | {"MINEWATCH_LANG": "en"}
        done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
        assert done.returncode == code, done.stderr
        return done.stdout if code == 0 else done.stdout + done.stderr


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Office:
    made = Office(tmp_path_factory.mktemp("verbs") / "office")
    assert "county\treform-511823" in made.run("setup", "--demo-password", "gobi-Lantern-42-river")
    return made


def test_an_account_is_opened_listed_and_suspended(office: Office) -> None:
    words = ("account", "open", "li.na", "--agency", "energy-510000")
    password = office.run(*words, "--role", "officer", "--role", "analyst").strip()
    assert len(password) > 20
    assert "taken" in office.run(*words, code=2)
    assert "no agency" in office.run("account", "open", "x", "--agency", "nowhere", code=2)
    office.run("account", "roles", "li.na", "supervisor")
    agency = (
        "account",
        "agency",
        "grid-510700",
        "--kind",
        "grid",
        "--name",
        "绵阳供电公司",
        "--region",
        "510700",
    )
    office.run(*agency)
    assert "already" in office.run(*agency, code=2)
    office.run("account", "suspend", "li.na", "--reason", "left the bureau")
    assert "li.na\tenergy-510000\tsupervisor\tsuspended\n" in office.run("account", "list")
    assert office.run("account", "reset", "li.na").strip() != password
    assert "no account" in office.run("account", "reset", "nobody", code=2)


def test_an_old_code_leads_to_the_region_of_today(office: Office) -> None:
    assert office.run("regions", "show", "510724") == "510705\t全国\t四川省\t绵阳市\t安州区\n"
    assert office.run("regions", "load") == "0 regions added or changed\n"


def test_the_chain_is_checked_against_what_left_the_house(office: Office, tmp_path: Path) -> None:
    anchor, export = tmp_path / "anchor.json", tmp_path / "audit.jsonl"
    office.run("audit", "anchor", "--out", str(anchor))
    office.run("audit", "export", "--out", str(export))
    check = ("audit", "verify", "--anchor", str(anchor))
    assert office.run(*check) == "the chain holds\n"
    assert office.run(*check, "--file", str(export)) == "the chain holds\n"
    lines = export.read_text("utf-8").splitlines(keepends=True)
    altered = json.loads(lines[1]) | {"actor": "nobody"}
    export.write_text("".join([lines[0], json.dumps(altered) + "\n", *lines[2:]]), "utf-8")
    assert "2\taltered" in office.run(*check, "--file", str(export), code=1)
    with sqlite3.connect(office.home / "office.sqlite3") as database:
        database.execute("DROP TRIGGER platform_auditentry_no_update")
        database.execute("UPDATE platform_auditentry SET actor = 'nobody' WHERE seq = 3")
    assert "3\taltered" in office.run(*check, code=1)
