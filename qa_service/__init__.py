"""Self-hosted, multilingual question answering over your own articles, with citations."""

__version__ = "0.1.0"
