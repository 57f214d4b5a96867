"""The lake: canonical tables with versions, filled without loss and read by snapshot."""
