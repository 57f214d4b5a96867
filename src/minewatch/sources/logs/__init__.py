"""Flows, leases and lists that others recorded."""
