"""What a scan runs: each detector with the stage that it is shown as and the subjects that it judges."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from minewatch.attribute.leases import host_of
from minewatch.detect.customer_load import LOAD_STEP
from minewatch.detect.pool_flows import POOL_FLOW_STEP
from minewatch.runs.partitions import View, narrowed, partitions_of
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.steps import Partition, Step


class Branch(NamedTuple):
    """A step with its ``stage`` and kind of subject; ``column`` bounds what is read for one subject."""

    stage: str
    step: Step
    kind: SubjectKind
    column: str

    @property
    def tables(self) -> tuple[str, ...]:
        """All tables that the step reads."""
        return (*self.step.inputs, *self.step.whole)

    def partitions(self, view: View) -> list[Partition]:
        """Return the partitions of the step."""
        return partitions_of(self.step, view)

    def partitions_for(self, view: View, names: Sequence[str]) -> Iterator[Partition]:
        """Yield partitions that hold all that the evidence on some subjects follows from."""
        every = partitions_of(self.step, view) if names else []
        for name in sorted(set(names)):
            yield from narrowed(self.step, every, self.column, name)


BRANCHES = (
    Branch("load", LOAD_STEP, SubjectKind.USAGE_POINT, "usage_point_id"),
    Branch("flows", POOL_FLOW_STEP, SubjectKind.ENDPOINT, "src_ip"),
)


def subjects_of(finding: Mapping[str, Any], kind: SubjectKind) -> list[str]:
    """Return the subjects of a kind that a finding names; for endpoints their hosts, for a site itself."""
    if kind is SubjectKind.SITE:
        return [finding["site_id"]]
    names = [item["name"] for item in finding[f"{kind.value}s"] or ()]
    return [host_of(name) for name in names] if kind is SubjectKind.ENDPOINT else names
