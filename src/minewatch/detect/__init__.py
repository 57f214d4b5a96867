"""One detector a file, each a step that gives evidence."""
