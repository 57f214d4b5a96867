"""``name__holds="清流"``: text inside of text, by an index where the database is PostgreSQL.

The index is over pairs of neighbouring characters, not over three as pg_trgm's: most words of Chinese have
two. See ``docs/decisions/0165``.
"""

from typing import Any

from django.db.models import CharField, Lookup

BIGRAMS = "minewatch_bigrams"


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
