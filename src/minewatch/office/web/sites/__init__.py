"""Pages of the register: lists, the site and what hangs on it, the search."""
