"""The drawing of lots: what it draws, how often, and that a file that was touched does not hold."""

import hashlib
import json
import math
from collections import Counter
from copy import deepcopy
from decimal import Decimal, getcontext
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.office.verify.inspections import lots

RULE = {"credit": {"": 2, "A": 1, "B": 2, "C": 4, "D": 8}, "complaint": 1, "most_complaints": 4}
SECRET = "5e" * 32


def listed(
    classes: str, inspectors: int = 4, wanted: int = 2, recused: tuple[tuple[int, int], ...] = ()
) -> dict[str, Any]:
    """An announced file: an object for each letter, ``recused`` pairs by number."""
    objects = [lots.token("object", "0a", f"510703-{number:06d}") for number in range(len(classes))]
    crew = [lots.token("inspector", "0b", f"川-{number}") for number in range(inspectors)]
    file = {
        "format": lots.FORMAT,
        "number": "双随机-1",
        "title": "第二季度",
        "agency": "涪城区发展和改革局",
        "region": "510703",
        "announced_at": "2026-05-04T09:30:00+00:00",
        "randomness": {"source": "双色球第2026050期", "public_at": "2026-05-05T13:30:00+00:00"},
        "secret_sha256": lots.digest(lots.FORMAT, "secret", SECRET),
        "weights": RULE,
        "objects_wanted": wanted,
        "inspectors_each": 2,
        "objects": sorted(
            (
                {"token": one, "credit_class": letter, "complaints": 0, "weight": RULE["credit"][letter]}
                for one, letter in zip(objects, classes, strict=True)
            ),
            key=lambda one: one["token"],
        ),
        "inspectors": [{"token": one} for one in sorted(crew)],
        "recusals": sorted([crew[inspector], objects[object_]] for inspector, object_ in recused),
    }
    return file | {"commitment": lots.commitment(file)}


def drawn(file: dict[str, Any], randomness: str = "03 11 17 22 28 31 + 09") -> dict[str, Any]:
    return lots.outcome(file, SECRET, randomness, "2026-05-05T14:00:00+00:00")


@st.composite
def announcements(draw: st.DrawFn) -> dict[str, Any]:
    classes = draw(st.text("ABCD", min_size=1, max_size=12))
    inspectors = draw(st.integers(2, 7))
    pairs = st.tuples(st.integers(0, inspectors - 1), st.integers(0, len(classes) - 1))
    recused = draw(st.lists(pairs, unique=True, max_size=inspectors * len(classes)))
    return listed(classes, inspectors, draw(st.integers(1, len(classes))), tuple(recused))


@given(announcements(), st.text(max_size=40))
@settings(max_examples=150, deadline=None)
def test_a_draw_holds_and_never_sends_a_recused_inspector(file: dict[str, Any], randomness: str) -> None:
    if lots.too_few(file):
        assert {one.code for one in lots.problems(file)} == {"too_few"}
        return
    outcome = drawn(file, randomness)
    again = json.loads(json.dumps(outcome, ensure_ascii=False))
    assert list(lots.problems(again, file)) == []
    recused = {tuple(pair) for pair in file["recusals"]}
    assert len(outcome["drawn"]) == file["objects_wanted"]
    assert len({one["object"] for one in outcome["drawn"]}) == file["objects_wanted"]
    for one in outcome["drawn"]:
        assert len(set(one["inspectors"])) == 2
        assert not {(inspector, one["object"]) for inspector in one["inspectors"]} & recused


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [leaf for name, one in value.items() for leaf in _leaves(one, (*path, name))]
    if isinstance(value, list):
        return [leaf for number, one in enumerate(value) for leaf in _leaves(one, (*path, number))]
    return [path]


@given(announcements(), st.data())
@settings(max_examples=250, deadline=None)
def test_a_file_that_was_touched_does_not_hold(file: dict[str, Any], data: st.DataObject) -> None:
    """Whatever single value is changed, but for the time of the draw, which nothing hangs on."""
    if lots.too_few(file):
        return
    outcome = drawn(file)
    path = data.draw(st.sampled_from([leaf for leaf in _leaves(outcome) if leaf != ("drawn_at",)]))
    touched = deepcopy(outcome)
    place = touched
    for step in path[:-1]:
        place = place[step]
    was = place[path[-1]]
    other = st.one_of(st.none(), st.integers(0, 9), st.text(max_size=8), st.just([]), st.just({}))
    place[path[-1]] = data.draw(other.filter(lambda one: one != was))
    assert list(lots.problems(touched)) != []


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from([*lots._ANNOUNCED, *lots._DRAWN, "x"]), inner, max_size=20)
        ),
    )
)
def test_what_is_no_file_of_a_draw_is_said_not_to_be(value: Any) -> None:
    assert list(lots.problems(value)) != []


def test_an_office_that_makes_the_list_again_is_found_out_by_who_kept_the_announcement() -> None:
    """A new list with a commitment of its own holds in itself, but not against what was announced."""
    announced = listed("ABCD")
    other = drawn(listed("ABC"))
    assert list(lots.problems(other)) == []
    assert {one.about for one in lots.problems(other, announced)} == {"objects", "commitment"}


@pytest.mark.parametrize("problem", ["weight", "twice", "one_inspector", "recusal_of_nothing"])
def test_a_list_that_breaks_its_own_rule_is_refused(problem: str) -> None:
    file = listed("AAD", recused=((0, 0),))
    match problem:
        case "weight":
            file["objects"][0]["weight"] += 1
        case "twice":
            file["objects"].append(file["objects"][-1])
        case "one_inspector":
            file["inspectors_each"] = 1
        case "recusal_of_nothing":
            file["recusals"] = [[file["inspectors"][0]["token"], "nobody"]]
    file["commitment"] = lots.commitment(file)
    assert problem in {one.code for one in lots.problems(drawn(file))}


def _chi_square(seen: Counter[Any], expected: dict[Any, float]) -> float:
    return sum((seen[one] - wanted) ** 2 / wanted for one, wanted in expected.items())


def _times(file: dict[str, Any], draws: int) -> Counter[tuple[str, ...]]:
    return Counter(
        tuple(one["object"] for one in lots.draw(file, lots.seed_of(file, SECRET, str(number))))
        for number in range(draws)
    )


def test_equal_weights_are_drawn_equally_often() -> None:
    """χ² over the 20 ordered pairs of five objects: 43.8 is exceeded by chance once in a thousand."""
    file, draws = listed("BBBBB"), 6_000
    tokens = [one["token"] for one in file["objects"]]
    expected = dict.fromkeys(permutations(tokens, 2), draws / 20)
    assert _chi_square(_times(file, draws), expected) < 43.8


def test_weights_steer_how_often() -> None:
    """P(i then j) = w_i / W · w_j / (W − w_i); χ² with 11 degrees of freedom: 31.3 once in a thousand."""
    file, draws = listed("ABCD"), 6_000
    weights = {one["token"]: one["weight"] for one in file["objects"]}
    whole = sum(weights.values())
    expected = {
        (i, j): draws * weights[i] / whole * weights[j] / (whole - weights[i])
        for i, j in permutations(weights, 2)
    }
    assert _chi_square(_times(file, draws), expected) < 31.3


def test_inspectors_are_drawn_equally_often_and_the_work_is_shared() -> None:
    """χ² over the ten pairs of five inspectors at the first object: 27.9 once in a thousand."""
    file, draws = listed("BBBBB", inspectors=5, wanted=5), 3_000
    pairs: Counter[frozenset[str]] = Counter()
    for number in range(draws):
        outcome = lots.draw(file, lots.seed_of(file, SECRET, str(number)))
        pairs[frozenset(outcome[0]["inspectors"])] += 1
        visits = Counter(one for row in outcome for one in row["inspectors"])
        assert set(visits.values()) == {2}  # ten visits among five
    assert _chi_square(pairs, dict.fromkeys(pairs, draws / 10)) < 27.9
    assert len(pairs) == 10


def test_the_page_that_explains_it_is_enough_to_draw_again() -> None:
    """An own implementation, written from docs/explanation/double-random.md alone."""
    getcontext().prec = 50
    file = drawn(listed("ABCDDCBA", inspectors=5, wanted=4, recused=((0, 1), (2, 3), (1, 1))))

    def sha(*parts: str) -> str:
        return hashlib.sha256(":".join(parts).encode("utf-8")).hexdigest()

    seed = sha("minewatch-draw/1", "seed", file["commitment"], file["secret"], file["randomness_value"])
    keys = []
    for one in file["objects"]:
        u = int(sha(seed, "object", one["token"]), 16) + 1
        keys.append(((256 * Decimal(2).ln() - Decimal(u).ln()) / one["weight"], one["token"]))
        rough = -math.log(u / 2**256) / one["weight"]
        assert math.isclose(rough, keys[-1][0], rel_tol=1e-9)
    visits: Counter[str] = Counter()
    for row, (_, token) in zip(file["drawn"], sorted(keys), strict=False):
        free = [i["token"] for i in file["inspectors"] if [i["token"], token] not in file["recusals"]]
        pair = sorted(free, key=lambda i: (visits[i], sha(seed, "inspector", token, i)))[:2]
        visits.update(pair)
        assert (row["object"], row["inspectors"]) == (token, pair)
