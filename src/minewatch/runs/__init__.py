"""The pipeline: what is read, which steps run, what is written; manifests and replay."""
