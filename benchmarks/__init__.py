"""What measures qa-service; run from the root of the repository: python -m benchmarks.quality."""
