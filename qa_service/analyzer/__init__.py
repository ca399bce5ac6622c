"""Text → lexical terms, in any script."""

from qa_service.analyzer.analyzer import ANALYZER_VERSION, Analyzer
from qa_service.analyzer.names import name_key

__all__ = ["ANALYZER_VERSION", "Analyzer", "name_key"]
