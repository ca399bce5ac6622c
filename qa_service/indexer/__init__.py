"""The ingest pipeline: makes the index mirror files and folders."""

from qa_service.indexer.components import Components
from qa_service.indexer.run import Indexer

__all__ = ["Components", "Indexer"]
