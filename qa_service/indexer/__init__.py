"""The ingest pipeline: makes the index mirror files and folders."""

from qa_service.indexer.parts import Parts
from qa_service.indexer.run import Indexer

__all__ = ["Indexer", "Parts"]
