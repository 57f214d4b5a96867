"""Pages of tokens: an account's own, and those that the security administrator prepares for machines."""
