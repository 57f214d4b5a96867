"""Packets of captures and live interfaces to flows."""
