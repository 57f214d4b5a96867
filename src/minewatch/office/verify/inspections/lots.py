"""The drawing of lots, so that anybody can do it again from the published file alone; knows no database.

Weighted sampling without replacement by exponential keys (Efraimidis and Spirakis, Information Processing
Letters 97, 2006): the objects with the smallest ``-ln(u) / weight`` are drawn. Every ``u`` is a SHA-256 of
the seed and the token, so the order of the list does not matter. Logarithms are decimal numbers of 50 digits,
which every platform rounds alike. ``docs/explanation/double-random.md`` says the same in words.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from decimal import Context, Decimal
from typing import Any, NamedTuple

FORMAT = "minewatch-draw/1"
OBJECT, INSPECTOR = "object", "inspector"
FEWEST_INSPECTORS = 2
_DIGITS = Context(prec=50)
_LN_RANGE = _DIGITS.multiply(Decimal(256), _DIGITS.ln(Decimal(2)))
_ANNOUNCED: Mapping[str, type] = {
    "format": str,
    "number": str,
    "title": str,
    "agency": str,
    "region": str,
    "announced_at": str,
    "randomness": dict,
    "secret_sha256": str,
    "weights": dict,
    "objects_wanted": int,
    "inspectors_each": int,
    "objects": list,
    "inspectors": list,
    "recusals": list,
    "commitment": str,
}
_DRAWN: Mapping[str, type] = {
    "drawn_at": str,
    "secret": str,
    "randomness_value": str,
    "seed": str,
    "drawn": list,
}
_ABANDONED: Mapping[str, type] = {"abandoned": str, "secret": str}


class Problem(NamedTuple):
    """Why a file does not hold: a code, and what it is about."""

    code: str
    about: str = ""


class Weights(NamedTuple):
    """How much an object weighs: by credit class (empty where there is none), and for each complaint."""

    credit: Mapping[str, int]
    complaint: int
    most_complaints: int

    def of(self, credit_class: str, complaints: int) -> int:
        """Return the weight of an object."""
        return self.credit[credit_class] + self.complaint * min(complaints, self.most_complaints)


def canonical(value: Any) -> bytes:
    """Return a JSON value as the bytes that are hashed: sorted names, no spaces, UTF-8."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(*parts: str) -> str:
    """Return the SHA-256 of texts joined by colons, as hexadecimal digits."""
    return hashlib.sha256(":".join(parts).encode()).hexdigest()


def token(kind: str, salt: str, name: str) -> str:
    """Return the token under which an object (code of its site) or inspector (certificate) is listed."""
    return digest(FORMAT, kind, salt, name)


def commitment(announced: Mapping[str, Any]) -> str:
    """Return the commitment to an announced list: its SHA-256 without the commitment itself."""
    said = {name: announced.get(name) for name in _ANNOUNCED if name != "commitment"}
    return hashlib.sha256(canonical(said)).hexdigest()


def seed_of(announced: Mapping[str, Any], secret: str, randomness_value: str) -> str:
    """Return the seed: nobody knew it before the randomness came out, and the office not alone after."""
    return digest(FORMAT, "seed", announced["commitment"], secret, randomness_value)


def draw(announced: Mapping[str, Any], seed: str) -> list[dict[str, Any]]:
    """Return what is drawn, in order: each object with the tokens of its inspectors."""
    kept_away = {(inspector, object_) for inspector, object_ in announced["recusals"]}
    tokens = [one["token"] for one in announced["inspectors"]]
    visits: Counter[str] = Counter()
    drawn = []
    for place, object_ in enumerate(_objects(announced, seed), 1):
        free = [one for one in tokens if (one, object_) not in kept_away]
        team = sorted(free, key=_turn(seed, object_, visits))[: announced["inspectors_each"]]
        visits.update(team)
        drawn.append({"place": place, "object": object_, "inspectors": team})
    return drawn


def _objects(announced: Mapping[str, Any], seed: str) -> list[str]:
    """Return the tokens of the objects drawn: those with the smallest keys."""
    keys = sorted((key(seed, one["token"], one["weight"]), one["token"]) for one in announced["objects"])
    return [object_ for _, object_ in keys[: announced["objects_wanted"]]]


def _turn(seed: str, object_: str, visits: Counter[str]) -> Callable[[str], tuple[int, str]]:
    """Return the order in which inspectors go to an object: who has the fewest visits yet, then by lot."""
    return lambda one: (visits[one], digest(seed, INSPECTOR, object_, one))


def key(seed: str, object_: str, weight: int) -> Decimal:
    """Return the exponential key of an object: the smaller, the sooner it is drawn."""
    number = int(digest(seed, OBJECT, object_), 16) + 1
    return _DIGITS.divide(_DIGITS.subtract(_LN_RANGE, _DIGITS.ln(Decimal(number))), Decimal(weight))


def outcome(
    announced: Mapping[str, Any], secret: str, randomness_value: str, drawn_at: str
) -> dict[str, Any]:
    """Return the file of a draw: what was announced, the seed and what it is made of, what was drawn."""
    seed = seed_of(announced, secret, randomness_value)
    return {
        **announced,
        "drawn_at": drawn_at,
        "secret": secret,
        "randomness_value": randomness_value,
        "seed": seed,
        "drawn": draw(announced, seed),
    }


def too_few(announced: Mapping[str, Any]) -> list[str]:
    """Return the objects that too few inspectors may go to, by token."""
    kept_away = Counter(object_ for _, object_ in announced["recusals"])
    there = len(announced["inspectors"])
    return [
        one["token"]
        for one in announced["objects"]
        if there - kept_away[one["token"]] < announced["inspectors_each"]
    ]


def is_drawn(file: Mapping[str, Any]) -> bool:
    """Tell whether a file is that of a draw, or only of its announcement."""
    return "drawn" in file


def is_abandoned(file: Mapping[str, Any]) -> bool:
    """Tell whether a file is that of a draw that was given up."""
    return "abandoned" in file


def problems(file: Any, announced: Any = None) -> Iterator[Problem]:
    """Yield why a published file does not hold; nothing where it does.

    ``announced`` is the file as it was before the draw, where somebody kept it: what it says must stand.
    """
    malformed = list(_malformed(file))
    yield from malformed
    if malformed:
        return
    if commitment(file) != file["commitment"]:
        yield Problem("commitment")
    yield from _wrong_list(file)
    if announced is not None:
        yield from (Problem("announced", name) for name in _ANNOUNCED if _differs(file, announced, name))
    if "secret" in file and digest(FORMAT, "secret", file["secret"]) != file["secret_sha256"]:
        yield Problem("secret")
    if is_drawn(file):
        yield from _wrong_draw(file)


def _differs(file: Mapping[str, Any], announced: Any, name: str) -> bool:
    return not isinstance(announced, dict) or file[name] != announced.get(name)


def _malformed(file: Any) -> Iterator[Problem]:
    if not isinstance(file, dict) or file.get("format") != FORMAT:
        yield Problem("format")
        return
    added = _DRAWN if is_drawn(file) else _ABANDONED if is_abandoned(file) else {}
    wanted = {**_ANNOUNCED, **added}
    yield from (Problem("field", name) for name in wanted if type(file.get(name)) is not wanted[name])
    yield from (Problem("unknown", name) for name in file if name not in wanted)
    if all(type(file.get(name)) is wanted[name] for name in wanted):
        yield from _malformed_lists(file)


def _malformed_lists(file: Mapping[str, Any]) -> Iterator[Problem]:
    parts: Mapping[str, bool] = {
        "weights": _is_rule(file["weights"]),
        "objects": all(_is_object(one) for one in file["objects"]),
        "inspectors": all(_holds(one, {"token": str}) for one in file["inspectors"]),
        "recusals": all(_are_texts(one) and len(one) == 2 for one in file["recusals"]),
        "drawn": all(
            _holds(one, {"place": int, "object": str, "inspectors": list}) and _are_texts(one["inspectors"])
            for one in file.get("drawn", ())
        ),
    }
    yield from (Problem("field", name) for name, is_right in parts.items() if not is_right)


def _holds(value: Any, fields: Mapping[str, type]) -> bool:
    """Tell whether a value is a table with exactly these fields of these types."""
    return type(value) is dict and {name: type(one) for name, one in value.items()} == fields


def _are_texts(value: Any) -> bool:
    return type(value) is list and all(type(one) is str for one in value)


def _is_rule(rule: Any) -> bool:
    if not _holds(rule, {"credit": dict, "complaint": int, "most_complaints": int}):
        return False
    numbers = [*rule["credit"].values(), rule["complaint"], rule["most_complaints"]]
    return all(type(one) is int and one >= 0 for one in numbers)


def _is_object(one: Any) -> bool:
    fields = {"token": str, "weight": int, "credit_class": str, "complaints": int}
    return _holds(one, fields) and one["weight"] > 0 and one["complaints"] >= 0


def _wrong_list(file: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield what is wrong with the list itself: it must be sorted, name each once and weigh by its rule."""
    objects = [one["token"] for one in file["objects"]]
    inspectors = [one["token"] for one in file["inspectors"]]
    if objects != sorted(set(objects)) or inspectors != sorted(set(inspectors)):
        yield Problem("twice")
    if not {pair[1] for pair in file["recusals"]} <= set(objects):
        yield Problem("recusal_of_nothing")
    if file["inspectors_each"] < FEWEST_INSPECTORS:
        yield Problem("one_inspector")
    rule = Weights(**file["weights"])
    for one in file["objects"]:
        known = one["credit_class"] in rule.credit
        if not known or rule.of(one["credit_class"], one["complaints"]) != one["weight"]:
            yield Problem("weight", one["token"])
    yield from (Problem("too_few", one) for one in too_few(file))


def _wrong_draw(file: Mapping[str, Any]) -> Iterator[Problem]:
    if seed_of(file, file["secret"], file["randomness_value"]) != file["seed"]:
        yield Problem("seed")
    kept_away = {tuple(pair) for pair in file["recusals"]}
    for one in file["drawn"]:
        if any((inspector, one["object"]) in kept_away for inspector in one["inspectors"]):
            yield Problem("recusal", one["object"])
    if draw(file, file["seed"]) != file["drawn"]:
        yield Problem("drawn")
