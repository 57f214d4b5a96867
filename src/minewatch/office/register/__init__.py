"""Enterprises, premises, usage points, plants, lines, sites and machines, with who said each fact."""
