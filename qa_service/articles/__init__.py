"""The folder of articles behind uploads, and index runs in the background."""
