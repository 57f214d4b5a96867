"""Delta tables: append, de-duplicate, quarantine, versions."""
