"""Pages of inspections: who inspects, plans, draws, single inspections, and what everybody may read."""
