"""A scan held against labels, and what the next scan learns from them."""
