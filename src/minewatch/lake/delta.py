"""The Delta table behind each canonical table. Imported only where a lake is opened: deltalake is heavy.

Every version is kept: log clean-up is off, since a finding must be recomputable from the versions it names.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pyarrow as pa
from deltalake import DeltaTable, PostCommitHookProperties
from deltalake.transaction import AddAction, RemoveAction

from minewatch.lake.commits import flush_file, flush_folder
from minewatch.lake.parquet import DataFile, delta_statistics
from minewatch.schema.tables import TableSpec

_KEEP_ALL = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
}
_HOOKS = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)


def newest_version(folder: Path) -> int:
    """Return the highest version in the log of the table in ``folder``; -1 where there is no table."""
    return max((int(path.stem) for path in (folder / "_delta_log").glob("[0-9]*.json")), default=-1)


def commit_files(
    folder: Path, spec: TableSpec, added: Sequence[DataFile], removed: Sequence[DataFile], at: datetime
) -> int:
    """Add and remove data files of ``folder`` in one Delta transaction; return the new version."""
    if newest_version(folder) < 0:
        DeltaTable.create(folder, schema=spec.lake_schema, name=spec.name, configuration=_KEEP_ALL)
    table = DeltaTable(folder)
    milliseconds = round(at.timestamp() * 1000)
    adds = [_add_action(file, milliseconds) for file in added]
    removes = [_remove_action(file, milliseconds) for file in removed]
    table.create_write_transaction(
        [*removes, *adds], "append", table.schema(), post_commithook_properties=_HOOKS
    )
    version = newest_version(folder)
    flush_file(folder / "_delta_log" / f"{version:020d}.json")
    flush_folder(folder / "_delta_log")
    return version


def files_at(folder: Path, spec: TableSpec, version: int) -> tuple[DataFile, ...]:
    """Return the data files of ``version``, oldest first, with their bounds."""
    actions = pa.table(DeltaTable(folder, version=version).get_add_actions(flatten=True)).to_pylist()
    ordered = sorted(actions, key=lambda action: action["path"])
    return tuple(_data_file(folder, spec, action) for action in ordered)


def roll_back(folder: Path, version: int) -> None:
    """Make the table in ``folder`` again what ``version`` was; the way there stays in its history.

    A table without a version in any commit goes back to 0, the empty table it was made as.
    """
    if newest_version(folder) > max(version, 0):
        DeltaTable(folder).restore(max(version, 0), ignore_missing_files=True)


def _data_file(folder: Path, spec: TableSpec, action: dict[str, object]) -> DataFile:
    bounds = {
        name: (action[f"min.{name}"], action[f"max.{name}"])
        for name in spec.lake_schema.names
        if action.get(f"min.{name}") is not None and action.get(f"max.{name}") is not None
    }
    return DataFile(folder / str(action["path"]), int(str(action["num_records"])), bounds)


def _add_action(file: DataFile, milliseconds: int) -> AddAction:
    statistics = json.dumps(delta_statistics(file), ensure_ascii=False)
    return AddAction(file.path.name, file.path.stat().st_size, {}, milliseconds, True, statistics)


def _remove_action(file: DataFile, milliseconds: int) -> RemoveAction:
    return RemoveAction(
        path=file.path.name,
        data_change=True,
        deletion_timestamp=milliseconds,
        partition_values={},
        size=file.path.stat().st_size,
    )
