"""What fits the constants of the product."""
