"""A backup made while the office works, restored elsewhere and compared row by row and byte by byte."""

import json
import shutil
import signal
import subprocess
import tarfile
import time
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from tests import postgresql
from tests.office_life import MINEWATCH, PASSWORD, files_of, living, minewatch, rows_of

ON_SQLITE = pytest.mark.parametrize("server", ["sqlite"], indirect=True)
Rows = dict[str, list[list[str]]]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[postgresql.Server | None]:
    if request.param == "sqlite":
        yield None
    else:
        with postgresql.running() as started:
            yield started


@pytest.fixture(scope="module")
def filled(server: postgresql.Server | None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = new_home(tmp_path_factory.mktemp("filled") / "office", server)
    minewatch("office", "setup", "--demo-password", PASSWORD, "--home", home)
    living_to_its_end("fill", home)
    return home


def new_home(home: Path, server: postgresql.Server | None) -> Path:
    """A home whose database is there and empty."""
    home.mkdir()
    name = f"{home.parent.name}_{home.name}".replace("-", "_")
    database = f'database = "{server.new_database(name)}"\n' if server else ""
    (home / "office.toml").write_text(f'second_factor = "optional"\n{database}', "utf-8")
    return home


def living_to_its_end(*words: Any) -> None:
    assert living(*words).wait(120) == 0


def but_for_the_restore(rows: Rows) -> Rows:
    """Rows without the entry of the restore, and without the head of the chain that follows it."""
    entries = [row for row in rows["platform_auditentry"] if "'restored'" not in row]
    return {**rows, "platform_auditentry": entries, "platform_audithead": []}


def but_for_the_backup(rows: Rows) -> Rows:
    entries = [row for row in rows["platform_auditentry"] if "'backed_up'" not in row]
    return {**rows, "platform_auditentry": entries, "platform_audithead": []}


def test_what_is_restored_is_what_was_there(
    filled: Path, server: postgresql.Server | None, tmp_path: Path
) -> None:
    before = rows_of(filled)
    said = minewatch("office", "backup", tmp_path / "office.tar", "--home", filled)
    sha256 = said.split()[0]
    elsewhere = new_home(tmp_path / "elsewhere", server)
    minewatch("office", "restore", tmp_path / "office.tar", "--sha256", sha256, "--home", elsewhere)
    after = rows_of(elsewhere)
    assert before.keys() == after.keys()
    assert but_for_the_restore(after) == but_for_the_backup(before)
    assert sum(map(len, after.values())) > 4000
    own = {"office.toml"}  # names the database
    found, expected = files_of(elsewhere), files_of(filled)
    assert {name: found[name] for name in found if name not in own} == {
        name: expected[name] for name in expected if name not in own
    }
    assert {"secret.key", "outlines/县界.geojson"} < set(found)
    assert sum(name.startswith("files/") for name in found) == 5
    assert sum(name.startswith("deliveries/") for name in found) == 1
    minewatch("office", "audit", "verify", "--home", elsewhere)
    living_to_its_end("take", elsewhere)  # the delivery that waited
    assert "backed_up" in str(rows_of(filled)["platform_auditentry"])


def test_a_backup_while_writers_write_is_one_moment(
    filled: Path, server: postgresql.Server | None, tmp_path: Path
) -> None:
    home = new_home(tmp_path / "busy", server)
    minewatch("office", "backup", tmp_path / "start.tar", "--home", filled)
    minewatch("office", "restore", tmp_path / "start.tar", "--home", home)
    stop = tmp_path / "stop"
    writers = [living("write", home, name, stop) for name in ("one", "two")]
    try:
        wait_until(lambda: (tmp_path / "one").exists() and (tmp_path / "two").exists())
        for number in range(2):
            minewatch("office", "backup", tmp_path / f"{number}.tar", "--home", home)
    finally:
        stop.touch()
    assert [writer.wait(60) for writer in writers] == [0, 0]
    last = rows_of(home)
    for number in range(2):
        elsewhere = new_home(tmp_path / f"restored{number}", server)
        minewatch("office", "restore", tmp_path / f"{number}.tar", "--home", elsewhere)
        found = rows_of(elsewhere)
        assert but_for_the_restore(found)["platform_auditentry"] != last["platform_auditentry"]
        for table in ("register_evidencefile", "intake_finding", "intake_exhibit", "register_site"):
            assert {row[0] for row in found[table]} <= {row[0] for row in last[table]}, table
        for table in ("register_evidencefile", "intake_exhibit"):  # rows that never change
            assert set(map(tuple, found[table])) <= set(map(tuple, last[table])), table
        # a kept file and a taken finding each have their entry: of one moment, or not at all
        entries = found["platform_auditentry"]
        assert sum("'file_kept'" in row for row in entries) == len(found["register_evidencefile"])
        assert sum("'finding_taken'" in row for row in entries) == len(found["intake_finding"])
        assert len(found["intake_finding"]) == len(found["intake_exhibit"])
        minewatch("office", "audit", "verify", "--home", elsewhere)
        living_to_its_end("files", elsewhere)  # each is there and has its hash


def wait_until(done: Any) -> None:
    for _ in range(600):
        if done():
            return
        time.sleep(0.1)
    raise AssertionError("waited in vain")


@ON_SQLITE
def test_a_killed_backup_leaves_nothing_that_counts(filled: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    command = [MINEWATCH, "office", "backup", str(folder), "--home", str(filled), "--keep", "2"]
    drafts: list[Path] = []
    for _ in range(20):
        process = subprocess.Popen(command)
        while process.poll() is None and not any(folder.iterdir()):
            pass
        process.kill()
        if process.wait() == -signal.SIGKILL and (drafts := list(folder.glob(".*"))):
            break
        (whole,) = folder.iterdir()  # it was done before the kill: another try
        assert "all whole" in minewatch("office", "restore", "--check", whole)
        whole.unlink()
    assert drafts
    assert list(folder.iterdir()) == drafts
    for _ in range(3):
        time.sleep(1.1)  # they are named for the second
        subprocess.run(command, check=True, capture_output=True)
    assert len(list(folder.iterdir())) == 2
    newest = max(folder.glob("office-*.tar"))
    assert "all whole" in minewatch("office", "restore", "--check", newest)


def test_an_office_is_not_overwritten_unless_told(filled: Path, tmp_path: Path) -> None:
    if (filled / "office.sqlite3").exists():
        other = tmp_path / "other"
        minewatch("office", "setup", "--home", other)
    else:
        other = filled
    archive = tmp_path / "office.tar"
    minewatch("office", "backup", archive, "--home", filled)
    before = rows_of(other)
    said = minewatch("office", "restore", archive, "--home", other, code=2)
    assert "--replace" in said
    assert rows_of(other) == before
    said = minewatch("office", "restore", archive, "--home", other, "--replace")
    (aside,) = other.glob("replaced-*")
    assert str(aside) in said
    assert len(rows_of(other)["verify_case"]) == 30
    minewatch("office", "backup", tmp_path / "again.tar", "--home", other)
    with tarfile.open(tmp_path / "again.tar") as tar:
        assert not [name for name in tar.getnames() if "replaced" in name]


@ON_SQLITE
def test_where_an_archive_is_damaged_or_false_is_named(filled: Path, tmp_path: Path) -> None:
    archive = tmp_path / "office.tar"
    minewatch("office", "backup", archive, "--home", filled)
    with tarfile.open(archive) as tar:
        members = {member.name: (tar.extractfile(member) or BytesIO()).read() for member in tar}
        first = next(member for member in tar if member.name.startswith("files/"))
    content = bytearray(archive.read_bytes())
    content[first.offset_data + 3] ^= 1
    refused(tmp_path, bytes(content), first.name)
    refused(tmp_path, archive.read_bytes()[: archive.stat().st_size // 2], "damaged after")
    refused(tmp_path, b"no archive at all", "damaged")
    manifest = json.loads(members["manifest.json"])
    later = {**manifest, "migrations": {**manifest["migrations"], "verify": ["0099_later"]}}
    refused(tmp_path, packed({**members, "manifest.json": json.dumps(later).encode()}), "0099_later")
    other = {**manifest, "format": 9}
    refused(tmp_path, packed({**members, "manifest.json": json.dumps(other).encode()}), "format 9")
    refused(tmp_path, packed({"../../out": b"x", **members}), "../../out")
    refused(tmp_path, packed({"/out": b"x", **members}), "/out leads out")
    refused(tmp_path, packed({"more": b"x", **members}), "more is not in the manifest")
    del members[first.name]
    refused(tmp_path, packed(members), f"{first.name} is missing")
    wrong = ("restore", archive, "--sha256", "00", "--home", tmp_path / "r")
    assert "SHA-256" in minewatch("office", *wrong, code=2)
    assert not (tmp_path.parent / "out").exists()


def packed(members: dict[str, bytes]) -> bytes:
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, BytesIO(content))
    return out.getvalue()


def refused(folder: Path, content: bytes, words: str) -> None:
    (folder / "bad.tar").write_bytes(content)
    home = folder / "refusing"
    said = minewatch("office", "restore", folder / "bad.tar", "--home", home, "--same-database", code=2)
    assert words in said
    assert not home.exists() or not list(home.glob("*.toml"))
    shutil.rmtree(home, ignore_errors=True)


@ON_SQLITE
def test_keys_can_stay_at_home(filled: Path, tmp_path: Path) -> None:
    archive = tmp_path / "office.tar.gz"
    said = minewatch("office", "backup", archive, "--without-keys", "--home", filled)
    assert "guard it" not in said
    with tarfile.open(archive) as tar:
        assert not {"secret.key", "office.toml"} & set(tar.getnames())


@ON_SQLITE
def test_a_lost_file_is_told_and_the_rest_is_kept(
    filled: Path, server: postgresql.Server | None, tmp_path: Path
) -> None:
    home = new_home(tmp_path / "home", server)
    minewatch("office", "backup", tmp_path / "whole.tar", "--home", filled)
    minewatch("office", "restore", tmp_path / "whole.tar", "--home", home)
    lost = next(path for path in (home / "files").rglob("*") if path.is_file())
    lost.unlink()
    said = minewatch("office", "backup", tmp_path / "office.tar", "--home", home, code=1)
    assert f"lost files/{lost.parent.name}/{lost.name}" in said
    other = new_home(tmp_path / "other", server)
    assert lost.name in minewatch("office", "restore", tmp_path / "office.tar", "--home", other)
