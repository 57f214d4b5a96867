"""Readers of foreign files: the only room that reads them; typed Arrow batches come out."""
