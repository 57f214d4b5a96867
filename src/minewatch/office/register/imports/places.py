"""Regions as rows of a file name them: by code, by name, by all names from the province down."""

from collections import defaultdict
from typing import NamedTuple

from minewatch.office.platform.models import Region
from minewatch.office.register.canonical import bare
from minewatch.office.register.imports.cells import Unreadable


class Place(NamedTuple):
    """A region by its row and where it stands in the tree."""

    id: int
    path: str


class Gazetteer:
    """All regions by what people call them; ``top`` is the path of the region that the account sees."""

    def __init__(self, top: str) -> None:
        self.top = top
        rows = Region.objects.filter(successor=None).values_list("pk", "path", "code", "name_zh", "name_en")
        names = {path: name for _pk, path, _code, name, _en in rows}
        self._codes = {bare(code): Place(pk, path) for pk, path, code, _name, _en in rows}
        self._paths = {pk: path for pk, path, _code, _name, _en in rows}
        self._names: dict[str, list[Place]] = defaultdict(list)
        for pk, path, _code, _name, name_en in rows:
            for word in {*_ways_to_say(path, names), name_en} - {""}:
                self._names[bare(word)].append(Place(pk, path))

    def find(self, said: str) -> Place:
        """Return the region that is meant; raises Unreadable where that is not clear or outside."""
        word = bare(said)
        found = [self._codes[word]] if word in self._codes else self._names.get(word, [])
        inside = [place for place in found if self.holds(place.path)]
        if len(inside) == 1:
            return inside[0]
        if inside:
            raise Unreadable("region_ambiguous")
        raise Unreadable("region_outside" if found else "region_unknown")

    def holds(self, path: str) -> bool:
        """Tell whether a region lies where the account sees."""
        return path.startswith(self.top)

    def sees(self, region_id: int) -> bool:
        """Tell whether rows of a region are seen by the account."""
        return self.holds(self._paths.get(region_id, " "))


def _ways_to_say(path: str, names: dict[str, str]) -> set[str]:
    """Return ``涪城区``, ``绵阳市涪城区`` and ``四川省绵阳市涪城区`` of a county."""
    above = [
        names[path[:end]]
        for end in range(2 * Region.steplen, len(path) + 1, Region.steplen)
        if path[:end] in names
    ]
    whole = above or [names[path]]
    return {"".join(whole[start:]) for start in range(len(whole))}
