"""What a capture shows of connections that cannot be read: gathered while it is read, judged at its end."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.runs.look_given import rows_given
from minewatch.runs.look_records import FLOW_KEYS, reason_records
from minewatch.schema.tables import TABLES
from minewatch.sources.options import ReadOptions

_TABLE = "block_times"


def block_times_known(path: Path, options: ReadOptions) -> pa.Table:
    """Return the block times of the file ``path``. Raises BadGivenFile."""
    return rows_given(path, _TABLE, options)


@dataclass(frozen=True)
class QuietFlows:
    """Flows of one capture of which the messages were noted, held against ``block_times``."""

    block_times: pa.Table | None
    zone: ZoneInfo
    kept: list[pa.Table] = field(default_factory=list)

    def take(self, flows: pa.Table) -> None:
        """Keep those of the flows that cannot be read but are quiet and long."""
        if flows["messages"].null_count < len(flows):
            self.kept.append(flows.filter(pc.is_valid(flows["messages"])))

    @property
    def _blocks(self) -> pa.Table:
        return TABLES[_TABLE].schema.empty_table() if self.block_times is None else self.block_times

    def records(self, file: str, language: str) -> Iterator[dict[str, Any]]:
        """Yield a record for each connection that looks like mining; see ``look_records.flow_records``."""
        if not self.kept:
            return
        from minewatch.detect.encrypted.encrypted_flows import chains_of, signs

        flows = pa.concat_tables(self.kept)
        for connection, evidence in signs(flows, chains_of(self._blocks), self.zone):
            known = {
                "file": file,
                "src": connection.src_ip,
                "sport": connection.src_port,
                "dst": connection.server[0],
                "dport": connection.server[1],
                "proto": "tcp",
                "log10_lr": evidence.log10_lr,
                "coin": evidence.coin,
                "reasons": reason_records(list(evidence.reasons), language),
            }
            yield dict.fromkeys(FLOW_KEYS) | known
