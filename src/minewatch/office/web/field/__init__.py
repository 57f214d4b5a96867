"""The phone's page of a visit, which works without a network, and the sheets on the desktop."""
