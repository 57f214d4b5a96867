"""``name__holds="清流"``: text inside of text, by an index where the database is PostgreSQL.

The index is over pairs of neighbouring characters, not over three as pg_trgm's: most words of Chinese have
two. See ``docs/decisions/0165``.
"""

from typing import Any

from django.db.models import CharField, Lookup, Q, QuerySet

BIGRAMS = "minewatch_bigrams"
_FEW = 1_000


def holding(rows: "QuerySet[Any]", text: str, key: str, name: str) -> "QuerySet[Any]":
    """Keep rows whose key begins with a text, or whose name holds it; asks which they are, up to a number.

    Few are found by the indexes of key and name. Of many, as those that hold 公司, a list meets enough on its
    way through its own order.
    """
    wanted = text.strip()
    every = rows.order_by().values_list("pk", flat=True)
    begins = Q(**{f"{key}__startswith": wanted.upper()})
    found = every.filter(begins).union(every.filter(**{f"{name}__holds": wanted}), all=True)
    ids = list(found[: _FEW + 1])
    if len(ids) > _FEW:
        # without a function around the name, whose share of rows the database could not foresee
        has_no_case = wanted.upper() == wanted.lower()
        return rows.filter(begins | Q(**{f"{name}__{'contains' if has_no_case else 'icontains'}": wanted}))
    return rows.filter(pk__in=ids)


@CharField.register_lookup
class Holds(Lookup[str]):
    """Rows whose field holds the text, whatever its case."""

    lookup_name = "holds"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Compare by LIKE."""
        field, of_field = self.process_lhs(compiler, connection)
        return f"LOWER({field}) LIKE %s ESCAPE '\\'", (*of_field, _pattern(str(self.rhs)))

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        """Find by the index of pairs; where rows are read instead, LIKE comes first as the cheaper."""
        field, of_field = self.process_lhs(compiler, connection)
        like, of_like = self.as_sql(compiler, connection)
        pairs = f"{BIGRAMS}({field}::text) @> {BIGRAMS}(%s)"
        return f"({like} AND {pairs})", (*of_like, *of_field, str(self.rhs))


def _pattern(text: str) -> str:
    for special in "\\%_":
        text = text.replace(special, f"\\{special}")
    return f"%{text.lower()}%"
