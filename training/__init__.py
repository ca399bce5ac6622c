"""What makes the data files that qa-service ships; not installed with it."""
