"""Detector: connections to mining pools, by what was said, by whose server it is, by their handshake.

Each connection with a sign gives one piece of evidence; see ``signs`` for what counts how much. To whose
server it goes is known from the list that is shipped and from the table ``pool_endpoints``.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.pools.noise import ANSWER, CALL
from minewatch.detect.pools.pool_list import PoolList, shipped, with_rows
from minewatch.detect.pools.weighing import DETECTOR, Inputs, Row, weighed
from minewatch.schema.evidence import Evidence, evidence_table
from minewatch.schema.steps import Step

_TABLES = ("flows", "pool_endpoints")


def pool_flow_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return a row of ``evidence`` for each connection in ``tables["flows"]`` that shows a sign of mining.

    ``parameters``: where the flows come from a lake, ``inputs`` (table → [version, rows]).
    """
    inputs = tuple(
        {"table": name, "version": int(item[0]), "rows": int(item[1])}
        for name, item in sorted(parameters.get("inputs", {}).items())
        if name in _TABLES
    )
    pools = with_rows(tables["pool_endpoints"].to_pylist())
    return evidence_table(judge(tables["flows"], inputs, pools))


def judge(flows: pa.Table, inputs: Inputs = (), pools: PoolList | None = None) -> list[Evidence]:
    """Return the evidence in ``flows`` (rows of the table ``flows``), in their order."""
    return [found for _, found in judged_rows(flows, inputs, pools)]


def judged_rows(
    flows: pa.Table, inputs: Inputs = (), pools: PoolList | None = None
) -> list[tuple[Row, Evidence]]:
    """Return (row of ``flows``, evidence) for each connection with a sign of mining or to a pool's server.

    ``pools``: None for the list that is shipped.
    """
    known = shipped() if pools is None else pools
    return weighed(flows.filter(_may_show(flows, known)).to_pylist(), known, inputs)


def _may_show(flows: pa.Table, pools: PoolList) -> pa.Array:
    """Return a mask of the flows that speak a dialect, go to a known server or open like Stratum V2."""
    shown = pc.is_valid(flows["dialect"]).to_numpy()
    shown |= _opens_like_noise(flows["first_payloads"])
    flat = pc.list_flatten(flows["names"])
    names = pc.struct_field(flat, "name")
    listed = [name for name in pc.unique(names).to_pylist() if pools.of_certificate(name)]
    if listed:
        named = pc.is_in(names, pa.array(listed)).to_numpy()
        shown[pc.list_parent_indices(flows["names"]).to_numpy()[named]] = True
    if len(pools.ranges):
        servers = [ip for ip in pc.unique(flows["dst_ip"]).to_pylist() if pools.of_address(ip)]
        shown |= pc.is_in(flows["dst_ip"], pa.array(servers, pa.string())).to_numpy()
    return pa.array(shown)


def _opens_like_noise(first_payloads: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    opened = pc.fill_null(pc.greater_equal(pc.list_value_length(first_payloads), 2), False)
    sizes = first_payloads.filter(opened)
    found = opened.to_numpy()
    found[found] = pc.and_(
        pc.equal(pc.list_element(sizes, 0), CALL), pc.equal(pc.list_element(sizes, 1), ANSWER)
    ).to_numpy()
    return found


POOL_FLOW_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("flows",),
    group_by="capture",
    output="evidence",
    function=pool_flow_evidence,
    whole=("pool_endpoints",),
)
"""Evidence of the flows of a set of captures."""
