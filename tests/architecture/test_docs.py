"""The documents hold together: links lead somewhere, every page can be reached, every verb is described."""

import re
from pathlib import Path

import pytest
import typer

from minewatch.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"(?<!`)\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")
COMMANDS = ROOT / "docs" / "reference" / "command-line.md"


def targets(page: Path) -> list[Path]:
    links = LINK.findall(page.read_text(encoding="utf-8"))
    return [(page.parent / link).resolve() for link in links if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert [str(target) for target in targets(page) if not target.exists()] == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md":
            reached.add(page)
            waiting += targets(page)
    decisions = ROOT / "docs" / "decisions"
    assert [str(page) for page in PAGES if page not in reached and page.parent != decisions] == []


def verbs() -> list[tuple[str, list[str]]]:
    group = typer.main.get_command(app)
    described = []
    for name, command in sorted(getattr(group, "commands", {}).items()):
        options = [option for item in command.params for option in item.opts if option.startswith("--")]
        described.append((name, options))
    return described


@pytest.mark.parametrize(("verb", "options"), verbs())
def test_every_verb_and_option_is_in_the_reference(verb: str, options: list[str]) -> None:
    section = COMMANDS.read_text(encoding="utf-8").split(f"## minewatch {verb}\n")
    assert len(section) == 2, f"docs/reference/command-line.md has no section for {verb}"
    told = section[1].split("\n## ")[0]
    assert [option for option in options if f"`{option}`" not in told and option != "--help"] == []
