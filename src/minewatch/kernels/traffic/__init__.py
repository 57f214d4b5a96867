"""Packets, flows and what is said in them."""
