"""Addresses, IP leases and NAT, enterprises: from subjects to sites."""
