"""Data centre or mine: traffic of a site against its power."""
