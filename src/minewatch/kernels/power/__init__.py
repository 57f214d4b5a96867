"""Loads, balances and output."""
