"""The doors in: findings of the analysis half, and what inspections confirmed on the way back."""
