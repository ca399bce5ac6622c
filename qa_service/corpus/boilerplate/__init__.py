"""What web pages bring along is told from what was written, and left out."""
