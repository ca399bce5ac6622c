"""The index folder: generations, the switch between them, and what is in each."""

from qa_service.store.article_writer import NewPassage, PendingPassage, ReadFile, StoredText
from qa_service.store.articles import StoredFile
from qa_service.store.folder import LastGood, Store
from qa_service.store.generation import Generation
from qa_service.store.index_folders import IndexFolders
from qa_service.store.journal import Embedding, Journal
from qa_service.store.layout import (
    Arrays,
    Centering,
    FittedCentering,
    LexicalEngine,
    StoredLexicalIndex,
)
from qa_service.store.live_index import LiveIndex
from qa_service.store.manifest import FileRecord, Manifest, Recipe, RepeatedLines
from qa_service.store.reading_log import FileContent, ReadingLog
from qa_service.store.schema import embedding_hash
from qa_service.store.verify import verify
from qa_service.store.writer import Change, GenerationWriter

__all__ = [
    "Arrays",
    "Centering",
    "Change",
    "Embedding",
    "FileContent",
    "FileRecord",
    "FittedCentering",
    "Generation",
    "GenerationWriter",
    "IndexFolders",
    "Journal",
    "LastGood",
    "LexicalEngine",
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
    "StoredLexicalIndex",
    "StoredText",
    "embedding_hash",
    "verify",
]
