"""Arrow fields that carry their unit, data class and meaning as field metadata."""

from enum import StrEnum
from typing import Any

import pyarrow as pa


class DataClass(StrEnum):
    """Protection class of a column (DSL art. 21, PIPL art. 4 and 28).

    ``public`` may be shown to anyone, ``internal`` to staff, ``important`` is operating data of the grid,
    ``personal`` can be traced to a person and is masked by default, ``sensitive`` is personal data whose
    leak harms (reporters, whereabouts). ``truth`` is simulated ground truth that no detector may read.
    """

    PUBLIC = "public"
    INTERNAL = "internal"
    IMPORTANT = "important"
    PERSONAL = "personal"
    SENSITIVE = "sensitive"
    TRUTH = "truth"


def column(
    name: str,
    type_: pa.DataType,
    doc: str,
    *,
    unit: str = "",
    data_class: DataClass = DataClass.INTERNAL,
    required: bool = False,
) -> pa.Field:
    """Build one Arrow field with ``doc``, ``unit`` and ``data_class`` in its metadata.

    ``unit`` is a UCUM-like string ("kW", "m3/s", "1" for a ratio), empty for text, codes and times.
    ``required`` makes the field non-nullable.
    """
    metadata = {"doc": doc, "unit": unit, "data_class": data_class.value}
    return pa.field(name, type_, nullable=not required, metadata=metadata)


def unit_of(field: pa.Field) -> str:
    """Return the unit of a field, or an empty string where it has none."""
    return _metadata(field).get("unit", "")


def data_class_of(field: pa.Field) -> DataClass:
    """Return the data class of a field; an unmarked field counts as ``sensitive`` (fails closed)."""
    return DataClass(_metadata(field).get("data_class", DataClass.SENSITIVE.value))


def doc_of(field: pa.Field) -> str:
    """Return the meaning of a field in one sentence."""
    return _metadata(field).get("doc", "")


def _metadata(field: pa.Field) -> dict[str, str]:
    raw: dict[bytes, bytes] | Any = field.metadata or {}
    return {key.decode(): value.decode() for key, value in raw.items()}
