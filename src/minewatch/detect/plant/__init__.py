"""Output that a power plant should have made."""
