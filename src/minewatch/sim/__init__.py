"""The county simulator: what a utility, carriers and registers would hand over, with ground truth apart."""
