"""Merges what different searches found, and their scores; pure."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from qa_service.indexes.protocols import Candidates

# Ranks are softened by this before they are added up (Cormack, Clarke & Büttcher 2009).
RANK_CONSTANT = 60
# The lexical search finds passages in the question's language only; in a mixed corpus it must not
# crowd out those that the dense search finds in others.
DENSE_VOTE, LEXICAL_VOTE = 1.0, 0.25
# In a large corpus the dense search alone could fill all places. The best few that share the
# question's terms are looked at all the same: names and numbers are found by them.
LEXICAL_KEPT = 5
# What the share of the question's terms adds to late interaction when a passage holds them all.
LEXICAL_WEIGHT = 0.1
# How many candidates without a term in common are added to those of each language: the share of one
# or two alone is their own merit.
USUAL_SHARE_WEIGHT = 3


def merge(
    searches: Sequence[Candidates],
    limit: int,
    votes: Sequence[float] | None = None,
    kept: Sequence[int] | None = None,
) -> NDArray[np.int64]:
    """Return the keys of at most `limit` candidates by reciprocal rank fusion, best first.

    A search that found nothing has no say; one alone keeps its order. Equal ones by ascending key.

    Args:
        searches: what each search found, best first.
        limit: how many keys to return at most.
        votes: how much each search counts; 1 for each if not given.
        kept: how many of the first of each search are among them whatever the others found, as far
            as the limit allows; none if not given.
    """
    votes = [1.0] * len(searches) if votes is None else votes
    kept = [0] * len(searches) if kept is None else kept
    totals: dict[int, float] = {}
    for found, vote in zip(searches, votes, strict=True):
        for rank, key in enumerate(found.keys.tolist(), start=1):
            totals[key] = totals.get(key, 0.0) + vote / (RANK_CONSTANT + rank)
    best = {
        key
        for found, count in zip(searches, kept, strict=True)
        for key in found.keys[:count].tolist()
    }
    ordered = sorted(totals, key=lambda key: (-totals[key], key))
    others = [key for key in ordered if key not in best][: max(0, limit - len(best))]
    chosen = best.union(others)
    return np.array([key for key in ordered if key in chosen][:limit], dtype=np.int64)


def lexical_shares(
    keys: NDArray[np.int64], found: Candidates, attainable: float
) -> NDArray[np.float32]:
    """Return each passage's BM25 score as a share of the best one possible, 0..1.

    Passages that the search did not find get 0. So does every passage when the question shares no
    term with the corpus, as across scripts: then the lexical side is silent and changes nothing.
    """
    shares = np.zeros(len(keys), dtype=np.float32)
    if attainable <= 0 or not len(found.keys):
        return shares
    order = np.argsort(found.keys)
    places = np.searchsorted(found.keys[order], keys)
    places = np.minimum(places, len(order) - 1)
    is_found = found.keys[order][places] == keys
    shares[is_found] = found.scores[order][places][is_found] / attainable
    return np.minimum(shares, 1.0)


def combine(
    max_sim: NDArray[np.float32], shares: NDArray[np.float32], languages: Sequence[str]
) -> NDArray[np.float32]:
    """Return the scores that passages are ranked by: late interaction helped by shared terms.

    Terms are shared within a language first of all, so a usual share is the language's merit. What
    helps a passage is how far its share stands above that of the candidates in its language, which
    changes nothing where all are in one.

    Args:
        max_sim: (passages,), their scores by late interaction.
        shares: (passages,), as `lexical_shares` returns them.
        languages: that of each passage.
    """
    _, groups = np.unique(np.asarray(languages, dtype=np.str_), return_inverse=True)
    usual = np.bincount(groups, weights=shares) / (np.bincount(groups) + USUAL_SHARE_WEIGHT)
    return np.asarray(max_sim + LEXICAL_WEIGHT * (shares - usual[groups]), dtype=np.float32)
