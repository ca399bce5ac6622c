"""How well questions match passages, as the product scores them, with gradients."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from training.adapter.encoder import Inputs, Outputs
from training.adapter.means import RunningMeans

# Stands for the match of a token that is not there.
_NO_MATCH = -2.0


@dataclass(frozen=True, slots=True)
class Scores:
    """(questions, passages): cosines of the vectors, and weighted MaxSim of the tokens."""

    dense: Tensor
    late: Tensor


class Scorer:
    """Compares one language's questions with another's passages; keeps the means it takes away."""

    def __init__(self, means: RunningMeans) -> None:
        self._means = means

    def see(self, inputs: Inputs, outputs: Outputs, role: str, language: str) -> None:
        """Take texts into the means. `role` is "query" or "passage"."""
        self._means.update(f"{role}/{language}", outputs.vectors)
        present = inputs.is_kept if role == "passage" else inputs.weights > 0
        tokens = outputs.tokens[present]
        if role == "passage" and len(tokens):
            self._means.update(f"tokens/{language}", tokens)

    def score(
        self,
        question_inputs: Inputs,
        questions: Outputs,
        asker: str,
        passage_inputs: Inputs,
        passages: Outputs,
        language: str,
    ) -> Scores:
        """Score every passage for every question. All languages have been seen before."""
        known = self._means.to_tensors()
        vectors = normalize(questions.vectors - known[f"query/{asker}"], dim=-1)
        others = normalize(passages.vectors - known[f"passage/{language}"], dim=-1)
        center = self._means.average("tokens/")
        asked = normalize(questions.tokens - center, dim=-1)
        found = normalize(passages.tokens - center, dim=-1)
        late = max_sim(asked, question_inputs.weights, found, passage_inputs.is_kept)
        # What a question has in common with the language of the passages is no merit of theirs.
        offset = known[f"tokens/{language}"] - center
        spread = (passages.tokens[passage_inputs.is_kept] - center).norm(dim=-1).mean()
        shared = (asked @ (offset / spread.detach()) * question_inputs.weights).sum(dim=1)
        return Scores(vectors @ others.T, late - shared[:, None])


def max_sim(queries: Tensor, weights: Tensor, passages: Tensor, is_kept: Tensor) -> Tensor:
    """Return the weighted MaxSim of each question and passage (Khattab & Zaharia 2020).

    Args:
        queries: (questions, tokens, dimension), unit rows.
        weights: (questions, tokens), each row summing to 1, zeros for what does not count.
        passages: (passages, tokens, dimension), unit rows.
        is_kept: (passages, tokens), which of them may be matched.

    Returns:
        (questions, passages); 0 for a question without tokens.
    """
    counts = weights > 0
    # Prompt, padding and special tokens are half of a short question: leave them out.
    asked = queries[counts]
    matches = (asked @ passages.flatten(0, 1).T).view(len(asked), *passages.shape[:2])
    best = matches.masked_fill(~is_kept, _NO_MATCH).max(dim=2).values
    scores = best.new_zeros((len(queries), len(passages)))
    rows = torch.nonzero(counts)[:, 0]
    return scores.index_add(0, rows, best * weights[counts][:, None])
