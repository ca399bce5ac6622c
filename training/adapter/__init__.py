"""Trains the adapter that the embedded model is merged with; see `training/README.md`."""
