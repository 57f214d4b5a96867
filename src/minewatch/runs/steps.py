"""Every step that runs over partitions; the conformance suite runs each of them on each engine."""

from minewatch.schema.steps import Step

STEPS: tuple[Step, ...] = ()
