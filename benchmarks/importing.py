"""``python -m benchmarks.importing HOME FILE``: import usage points into an office, with preview."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path


def make_file(path: Path, rows: int) -> Path:
    """Write a list of usage points as a grid company hands it over, with an address for three of them."""
    if not path.is_file():
        attempt = path.with_suffix(".part")
        with attempt.open("w", encoding="gb18030") as file:
            file.write("户号,户名,区划代码,用电地址,电压等级,合同容量,变压器编号,立户日期\n")
            for number in range(rows):
                place = f"工业路{number // 3}号"
                line = (f"51{number:011d}", f"用户{number}", "510703", place, "10", f"{number % 900 + 80}")
                file.write(",".join([*line, f"T-{number // 60}", "2021/5/20"]) + "\n")
        attempt.rename(path)
    return path


def set_up(home: Path, database: str = "") -> None:
    """Make an office in a folder, with one account that may import."""
    home.mkdir(parents=True, exist_ok=True)
    if database:
        (home / "office.toml").write_text(f'database = "{database}"\n', "utf-8")
    from minewatch.office.running import open_office

    open_office(home)
    from minewatch.office import running

    running.set_up()
    from minewatch.office.platform.roles import Role
    from minewatch.office.platform.services import AccountGiven, AgencyGiven, By, add_agency, open_account

    office = By(None, datetime.now(UTC))
    add_agency(AgencyGiven("energy", "energy", "涪城区能源局", "510703"), office)
    open_account(AccountGiven("li.na", "gobi-lantern-42-river", "energy", [Role.OFFICER]), office)


def import_file(home: Path, path: Path) -> dict[str, float]:
    """Bring, check, confirm and apply a file; return the seconds of each."""
    from minewatch.office.running import open_office

    open_office(home)
    from minewatch.office.platform.models import Region, User
    from minewatch.office.platform.scope import scoped
    from minewatch.office.platform.selectors import scope_of
    from minewatch.office.platform.services import By
    from minewatch.office.register.imports import services
    from minewatch.office.register.imports.selectors import preview, rows_shown

    user = User.objects.get(username="li.na")
    by = By(user, datetime.now(UTC))
    given = services.FileGiven(path.name, "usagepoint", Region.objects.get(code="510703"))
    seconds, start = {}, time.perf_counter()

    def told(step: str) -> None:
        nonlocal start
        seconds[step] = time.perf_counter() - start
        start = time.perf_counter()

    with scoped(scope_of(user)), path.open("rb") as file:
        one = services.receive(iter(lambda: file.read(1 << 20), b""), given, by)
        told("receive")
        one = services.go_on(services.map_columns(one, one.columns, by), by.at, lambda _rows: None)
        rows_shown(one, list(preview(one, "")[:50]), by)
        told("preview")
        one = services.go_on(services.confirm(one, by), by.at, lambda _rows: None)
        told("apply")
    if one.state != "done" or set(one.counts) != {"new"}:
        raise RuntimeError(f"the file was not taken whole: {one.counts} {one.failure}")
    return seconds


if __name__ == "__main__":
    told_seconds = import_file(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(f"{told_seconds}\n")
