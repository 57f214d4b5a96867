"""Every act that the office writes into the audit chain has words."""

import re
from pathlib import Path

import minewatch.office
from minewatch.office.platform.acts import ACTS, act_text, subject_text

_WRITTEN = re.compile(r"""(?:\.act\(|\btell\([\w.]+,|note_login\()\s*"([a-z_]+)\"""")


def test_each_act_has_words() -> None:
    sources = Path(minewatch.office.__file__).parent.rglob("*.py")
    written = {
        code
        for path in sources
        if "tests" not in path.parts
        for code in _WRITTEN.findall(path.read_text("utf-8"))
    }
    assert len(written) > 40
    assert written - ACTS.keys() == set()


def test_an_act_on_a_thing_is_said_by_its_verb_and_an_unknown_one_by_its_code() -> None:
    assert act_text("enterprise_registered") != "enterprise_registered"
    assert act_text("never_heard_of") == "never_heard_of"
    assert subject_text("site", "7").endswith("7")
