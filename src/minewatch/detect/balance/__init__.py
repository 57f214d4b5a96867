"""What goes into transformers and feeders against what is metered below them."""
