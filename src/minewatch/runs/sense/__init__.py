"""A sensor that runs: packets to rolls, rolls into the lake, and what passed it by."""
