"""Everything qa-service raises on purpose.

Each message names what was found, what was expected and how to mend it. HTTP statuses belong to
`web/errors.py` and exit codes to `cli.py`.
"""


class QaServiceError(Exception):
    """Base of every error that a person can do something about."""

    code = "error"


class InvalidSettingError(QaServiceError):
    """A setting holds a value that cannot be used."""

    code = "invalid_setting"


class InvalidQuestionError(QaServiceError):
    """A question, or one of its fields, cannot be used."""

    code = "invalid_question"


class ModelUnavailableError(QaServiceError):
    """The embedding model is neither cached nor installed, or cannot be loaded."""

    code = "model_unavailable"


class CorpusError(QaServiceError):
    """The articles cannot be read at all."""

    code = "corpus_unusable"


class UnreadableFileError(CorpusError):
    """One file cannot be turned into articles; the others can."""

    code = "unreadable_file"


class UnsupportedFormatError(CorpusError):
    """A file has an ending that no reader of articles takes."""

    code = "unsupported_format"


class TooLargeFileError(UnreadableFileError):
    """A file is larger than files of its format may be."""

    code = "too_large"


class ReadingStoppedError(UnreadableFileError):
    """Reading a file took too long, or took down the process that read it."""


class ArticleNotFoundError(QaServiceError):
    """No article with that id is indexed."""

    code = "article_not_found"


class ArticleConflictError(QaServiceError):
    """An article cannot be added or removed as asked."""

    code = "article_conflict"


class StoredIndexError(QaServiceError):
    """Base of what can be wrong with the index folder."""

    code = "index_error"


class NoIndexError(StoredIndexError):
    """There is no index yet."""

    code = "no_index"


class IndexMismatchError(StoredIndexError):
    """The index was built by another model, format or analyser than the settings ask for."""

    code = "index_mismatch"


class IndexCorruptError(StoredIndexError):
    """A file of the index is missing, torn or does not match its checksum."""

    code = "index_corrupt"


class IndexBusyError(StoredIndexError):
    """Another process is writing the index."""

    code = "index_busy"


class IndexWriteError(StoredIndexError):
    """The index cannot be written: disk full, read-only folder."""

    code = "index_write_failed"


class NoPreviousGenerationError(StoredIndexError):
    """There is no earlier generation to go back to."""

    code = "no_previous_generation"


class AddressInUseError(QaServiceError):
    """The address to serve on is taken."""

    code = "address_in_use"
