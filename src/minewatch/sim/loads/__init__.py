"""Load curves of every kind of customer, as functions (rng, scene, size) → kW at 15-minute intervals."""
