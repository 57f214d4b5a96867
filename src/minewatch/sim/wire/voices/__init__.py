"""What miners and pools say, a file for each family of dialects."""
