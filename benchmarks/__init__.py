"""Benchmarks by registry: ratios to a floor measured in the same run, scaling, and severity sweeps."""
