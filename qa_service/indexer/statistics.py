"""What an index learns from the passages written to it, and when it must learn anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from qa_service.indexer.token_statistics import measure_token_means
from qa_service.indexes.protocols import TokenCodec
from qa_service.store import GenerationWriter
from qa_service.store.centering import Arrays, FittedCentering

# Means of languages are known well long before this.
MOST_TO_FIT = 100_000
# A language's share of the corpus from which its growth is a reason to fit anew.
SHARE_TO_REFIT = 0.001


@dataclass(frozen=True, slots=True)
class Statistics:
    """What an index has learnt, as `arrays` too; `is_new` unless its base had learnt it.

    `fitted_languages` counts the passages that it was learnt from by language.
    """

    centering: FittedCentering
    arrays: Arrays
    fitted_languages: Mapping[str, int]
    is_new: bool


def learn_statistics(writer: GenerationWriter, codec: TokenCodec) -> Statistics:
    """Return the statistics of a generation whose rows are finished: its base's as long as they do.

    Otherwise the languages' mean vectors and the means of tokens are learnt from what was written.
    """
    base, change = writer.base, writer.change
    languages = change.language_counts()
    if (
        base is not None
        and base.manifest.recipe.statistics == writer.recipe.statistics
        and not needs_refit(base.manifest.fitted_languages, languages)
    ):
        fitted = base.manifest.fitted_languages
        return Statistics(base.centering, base.statistics, fitted, is_new=False)
    centering = writer.fit(MOST_TO_FIT)
    arrays = dict(centering.to_arrays())
    if len(change.keys):
        means = measure_token_means(writer.embeddings, change.keys, change.languages, codec)
        arrays |= means.to_arrays()
    return Statistics(centering, arrays, languages, is_new=True)


def needs_refit(fitted: Mapping[str, int], languages: Mapping[str, int]) -> bool:
    """Tell whether statistics of passages counted as `fitted` are out of date for `languages`.

    They are when the corpus, or a language in it that is no mere trace, has doubled or halved.
    """
    before, now = sum(fitted.values()), sum(languages.values())
    if now >= 2 * before or 2 * now <= before:
        return True
    trace = SHARE_TO_REFIT * now
    return any(
        count - fitted.get(language, 0) >= max(fitted.get(language, 0), trace)
        for language, count in languages.items()
    )
