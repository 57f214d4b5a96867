"""The overview, the comparison of regions, the map and the long work."""
