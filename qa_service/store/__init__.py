"""The index folder: generations, the switch between them, and what is in each."""

from qa_service.store.article_writer import NewPassage, PendingPassage, ReadFile
from qa_service.store.articles import StoredFile
from qa_service.store.folder import LastGood, Store
from qa_service.store.generation import Generation
from qa_service.store.index_folders import IndexFolders
from qa_service.store.journal import Journal
from qa_service.store.live_index import LiveIndex
from qa_service.store.manifest import Manifest, Recipe, RepeatedLines
from qa_service.store.reading_log import FileContent, ReadingLog
from qa_service.store.schema import embedding_hash
from qa_service.store.writer import GenerationWriter

__all__ = [
    "FileContent",
    "Generation",
    "GenerationWriter",
    "IndexFolders",
    "Journal",
    "LastGood",
    "LiveIndex",
    "Manifest",
    "NewPassage",
    "PendingPassage",
    "ReadFile",
    "ReadingLog",
    "Recipe",
    "RepeatedLines",
    "Store",
    "StoredFile",
    "embedding_hash",
]
