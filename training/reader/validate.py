"""Judges a run's reader, or an exported file, on documents that were never trained on.

    python -m training.reader.validate FOLDER --run RUN | --file FILE [--output FILE] [--set …]

FOLDER is what the run was trained on. Prints figures by group, or writes them as JSON.
`--set validation.answerable=60` and the like judge by more examples.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL
from training.adapter.checkpoints import read_state
from training.reader.base import BASE, Base, read_base
from training.reader.batches import Batch
from training.reader.configuration import DEFAULT, Configuration, load_configuration
from training.reader.corpus import CORPUS, NEGATIVES, read_corpus
from training.reader.examples import ExampleMaker
from training.reader.export import read_trained
from training.reader.model import Scores, SpanReader
from training.reader.split import Part
from training.reader.train import CHECKPOINT, dtype_for
from training.reader.validation import chosen_examples, judge, read_all
from training.reader.vocabulary import CutSplitter


def main() -> int:
    """Judge and tell."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--run", type=Path)
    source.add_argument("--file", type=Path)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--config", type=Path, default=DEFAULT)
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", dest="changes")
    arguments = parser.parse_args()
    configuration = load_configuration(arguments.config, arguments.changes)
    base = read_base(arguments.folder / BASE)
    trained: Mapping[str, Tensor] = (
        read_trained(arguments.file, base.weights)
        if arguments.run is None
        else read_state(arguments.run / CHECKPOINT).parameters
    )
    found = figures(configuration, arguments.folder, base, trained)
    for group, values in found.items():
        print(f"{group:24}", "  ".join(f"{name} {value:.3f}" for name, value in values.items()))
    if arguments.output is not None:
        arguments.output.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    return 0


def figures(
    configuration: Configuration, data: Path, base: Base, trained: Mapping[str, Tensor]
) -> dict[str, dict[str, float]]:
    """Return what `validation.judge` finds of a reader with these weights."""
    model = configuration.model
    device = torch.device(model.device)
    if model.threads:
        torch.set_num_threads(model.threads)
    reader = SpanReader(base, frozen_layers=0)
    reader.load(trained)
    reader.to(device)
    dtype = dtype_for(model.dtype, device)

    def score(reader: SpanReader, batch: Batch) -> Scores:
        with torch.autocast(device.type, dtype, enabled=dtype != torch.float32):
            scores: Scores = reader(batch.to(device))
        return scores

    corpus = read_corpus(data / CORPUS)
    maker = ExampleMaker(
        corpus,
        CutSplitter(data / UNIGRAM_MODEL, corpus.vocabulary),
        configuration.examples,
        [Part.VALIDATION, Part.HELD_OUT],
        configuration.optimizer.seed,
    )
    chosen = chosen_examples(corpus, maker, configuration.validation)
    # Pairs of the hard kind are what `validation` is asked for; say how many there are.
    hard = sum(example.kind in NEGATIVES for example in chosen)
    print(f"{len(chosen)} examples, {hard} of them beside passages that do not answer")
    return judge(corpus, chosen, read_all(reader, chosen, model.most_tokens, score))


if __name__ == "__main__":
    sys.exit(main())
