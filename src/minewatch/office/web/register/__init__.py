"""The inventories, duplicates and evidence files."""
