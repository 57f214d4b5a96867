"""Backup of an office and its way back: database and files in one archive that proves itself."""
