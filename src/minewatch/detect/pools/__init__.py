"""Connections to mining pools and the hash rate on them."""
