"""The reference page of tables says what the schemas say. Run this file to write the page anew."""

from pathlib import Path

import pyarrow as pa

from minewatch.schema.columns import data_class_of, doc_of, unit_of
from minewatch.schema.tables import ANALYSED, INGESTED, LINEAGE, RECORDED, TableSpec

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "tables.md"
HEAD = """# Tables

Written from `minewatch.schema.tables` by `.venv/bin/python tests/architecture/test_tables_page.py`: do not
edit it by hand.

A column in **bold** is never null. The class is the protection class of the column: `public`, `internal`,
`important` (operating data of the grid), `personal`, `sensitive`. The layout says how rows are spread over
partitions: `bucket` by a hash of the transformer, `capture` by the file or sensor, `whole` not at all.
"""
LINEAGE_TEXT = (
    "Every stored row has them besides the columns of its table; what a table has itself is not doubled."
)


def fields(schema: pa.Schema) -> list[str]:
    lines = ["| column | type | unit | class | meaning |", "|---|---|---|---|---|"]
    for field in schema:
        name = f"`{field.name}`" if field.nullable else f"**`{field.name}`**"
        meaning = doc_of(field).replace("|", "\\|")
        cells = (name, type_name(field.type), unit_of(field), data_class_of(field), meaning)
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def type_name(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"list of {type_name(type_.value_type)}"
    if pa.types.is_struct(type_):
        return ", ".join(f"{part.name}: {type_name(part.type)}" for part in type_)
    if pa.types.is_timestamp(type_):
        return "instant (UTC)"
    return {"date32[day]": "day", "double": "float64", "float": "float32"}.get(str(type_), str(type_))


def section(spec: TableSpec) -> list[str]:
    key = ", ".join(f"`{name}`" for name in spec.key)
    facts = f"{spec.doc[:1].upper()}{spec.doc[1:]}. Key: {key}. Layout: {spec.layout}."
    return [f"### {spec.name}", "", facts, "", *fields(spec.schema), ""]


def page() -> str:
    lines = [HEAD]
    for title, specs in (
        ("Filled from foreign files", INGESTED),
        ("Records of Minewatch's own work", RECORDED),
        ("Written by the analysis", ANALYSED),
    ):
        lines += [f"## {title}", ""]
        lines += [line for spec in specs.values() for line in section(spec)]
    lines += ["## Lineage columns", "", LINEAGE_TEXT, "", *fields(LINEAGE)]
    return "\n".join(lines) + "\n"


def test_the_page_says_what_the_schemas_say() -> None:
    hint = "run: .venv/bin/python tests/architecture/test_tables_page.py"
    assert PAGE.read_text(encoding="utf-8") == page(), hint


if __name__ == "__main__":
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
