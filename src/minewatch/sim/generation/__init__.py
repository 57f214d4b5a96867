"""What plants make: one file a kind, as functions (rng, scene, plant) → what nature and machines allow."""
