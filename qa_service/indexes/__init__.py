"""Passage keys to scores and back: vectors, terms, tokens."""
