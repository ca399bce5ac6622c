"""Trains the span reader: question and passage in one sequence, start and end of the answer."""
