"""Customers' load: a constant block in the curve, weighed against look-alikes."""
