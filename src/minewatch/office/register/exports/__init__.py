"""Lists that leave as files: asked for with a purpose, made by a worker, kept some days for one person."""
