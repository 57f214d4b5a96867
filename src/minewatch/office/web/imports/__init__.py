"""Pages of imports and exports, and of edits of many rows of a list."""
