"""The reference runtime gives what the library itself gives."""

from __future__ import annotations

from encoder_texts import TEXTS

from qa_service.config import Settings
from qa_service.encoder.loading import load_reference_model
from qa_service.encoder.protocol import Encoded, Encoder


def test_same_as_sentence_transformers(reference: Encoded, torch_encoder: Encoder) -> None:
    """Vectors are those that the library itself gives, with its own tokenizer and prompts."""
    model = load_reference_model(Settings())
    theirs = model.encode_document(list(TEXTS[:120]), convert_to_numpy=True)
    assert (theirs * reference.vectors[:120]).sum(axis=1).min() > 0.99999
    questions = list(TEXTS[:120:4])
    theirs = model.encode_query(questions, convert_to_numpy=True)
    ours = torch_encoder.encode_query(questions).vectors
    assert (theirs * ours).sum(axis=1).min() > 0.99999
