"""Makes one small folder of all that a machine without this package's data needs to train.

    python -m training.reader.pack FOLDER OUTPUT [--run RUN] [--most-bytes 58000000]

FOLDER is what `prepare` wrote. OUTPUT gets the same files, compressed: token ids once a passage,
those passages of the largest sources that do not fit left out, and all that judges; the commonest
65 536 tokens, their embeddings in four bits, and layers in eight (`--layer-bits`). With RUN, its
weights take the place of the embedded model's. There, from the root of this repository, and with
`transfer.py` the way back:

    python3 -m training.reader.train OUTPUT NEW --minutes 9 --set 'model.device="cuda"'
        --set model.most_tokens=32768 --set examples.tokens=24000
    python3 -m training.reader.transfer NEW PARCELS
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.encoder.tokenizer_files import UNIGRAM_MODEL
from training.adapter.checkpoints import read_state
from training.reader.base import BASE, WORDS, Base, read_base, save_base
from training.reader.corpus import CORPUS, Corpus, Ragged, read_corpus, write_corpus
from training.reader.model import is_head
from training.reader.prepare import REPORT
from training.reader.split import Part
from training.reader.train import CHECKPOINT
from training.reader.vocabulary import SPECIAL, UNKNOWN

_ENCODER = "encoder."
# Of the largest sources, what is left at each try, until all fits.
_SHARES = (1.0, 0.6, 0.4, 0.25, 0.15, 0.1)
# Numbers of two bytes; one place in fifty has a rarer token, which is the unknown one there.
_MOST_WORDS = 65_536
_SEED = 5


def main() -> int:
    """Pack, smaller and smaller until it fits."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--run", type=Path, help="a run whose weights are taken")
    parser.add_argument("--most-bytes", type=int, default=58_000_000)
    parser.add_argument("--layer-bits", type=int, default=8, choices=(4, 8))
    arguments = parser.parse_args()
    size = pack(
        arguments.folder,
        arguments.output,
        arguments.run,
        arguments.most_bytes,
        arguments.layer_bits,
    )
    print(f"{arguments.output}: {size} bytes")
    return 0 if size <= arguments.most_bytes else 1


def pack(folder: Path, output: Path, run: Path | None, most_bytes: int, layer_bits: int = 8) -> int:
    """Write the folder and return how large it is."""
    output.mkdir(parents=True, exist_ok=True)
    corpus, base = read_corpus(folder / CORPUS), read_base(folder / BASE)
    if run is not None:
        trained = {
            name.removeprefix(_ENCODER): value
            for name, value in read_state(run / CHECKPOINT).parameters.items()
        }
        base = Base(base.configuration, {**base.weights, **trained})
    for name in (UNIGRAM_MODEL, REPORT):
        shutil.copyfile(folder / name, output / name)
    size = 0
    for share in _SHARES:
        part, kept = with_common_tokens(without_unused(thinned(corpus, share)), _MOST_WORDS)
        write_corpus(output / CORPUS, part, is_compressed=True)
        _write_weights(output / BASE, base, kept, layer_bits)
        size = sum(path.stat().st_size for path in output.iterdir())
        print(f"{share:.0%} of the largest sources: {len(part.questions)} questions, {size} bytes")
        if size <= most_bytes:
            break
    return size


def _write_weights(path: Path, base: Base, kept: NDArray[np.int64], layer_bits: int) -> None:
    weights = dict(base.weights)
    weights[WORDS] = weights[WORDS][kept].contiguous()
    bits = {
        name: layer_bits
        for name, weight in weights.items()
        if weight.ndim == 2 and not is_head(name)
    }
    configuration = {**base.configuration, "vocab_size": len(kept)}
    save_base(path, Base(configuration, weights), bits | {WORDS: 4})


def thinned(corpus: Corpus, share: float) -> Corpus:
    """Return a corpus with what is trained on, less of what there is most of.

    Sources of a language that have more questions than is usual give up passages, with all that
    is asked about them, the more the larger they are.
    """
    rows = np.flatnonzero(corpus.parts == int(Part.TRAIN))
    keys = [(corpus.source(n), corpus.pair(n)) for n in rows.tolist()]
    counts = Counter(keys)
    usual = float(np.mean(list(counts.values())))
    kept_share = {
        key: 1.0 if share >= 1 or count <= usual else share * (usual / count) ** 0.25
        for key, count in counts.items()
    }
    draws = np.random.default_rng(_SEED).random(len(corpus.tokens))
    is_kept = np.array(
        [
            draws[passage] < kept_share[key]
            for passage, key in zip(corpus.passages[rows].tolist(), keys, strict=True)
        ],
        dtype=np.bool_,
    )
    return _with_questions(corpus, rows[is_kept])


def _with_questions(corpus: Corpus, rows: NDArray[np.int64]) -> Corpus:
    return replace(
        corpus,
        questions=corpus.questions.chosen(rows),
        exchanged=corpus.exchanged.chosen(rows),
        askers=corpus.askers[rows],
        sources=corpus.sources[rows],
        parts=corpus.parts[rows],
        passages=corpus.passages[rows],
        spans=corpus.spans.chosen(rows),
        negatives=corpus.negatives[rows],
    )


def without_unused(corpus: Corpus) -> Corpus:
    """Return a corpus with those passages alone that questions stand beside.

    Negatives that are nobody's own passage are left out.
    """
    used = np.unique(corpus.passages).astype(np.int64)
    place = np.full(len(corpus.tokens), -1, dtype=np.int32)
    place[used] = np.arange(len(used), dtype=np.int32)
    negatives = np.where(corpus.negatives >= 0, place[corpus.negatives], -1)
    # Those that are left come first, as `usable` takes for granted.
    order = np.argsort(negatives < 0, axis=2, kind="stable")
    return replace(
        corpus,
        tokens=corpus.tokens.chosen(used),
        sentences=corpus.sentences.chosen(used),
        languages=corpus.languages[used],
        headings=corpus.headings.chosen(used),
        passage_texts=corpus.passage_texts.chosen(used),
        offsets=corpus.offsets.chosen(used),
        passages=place[corpus.passages].astype(np.int32),
        negatives=np.take_along_axis(negatives, order, axis=2).astype(np.int32),
    )


def with_common_tokens(corpus: Corpus, most_words: int) -> tuple[Corpus, NDArray[np.int64]]:
    """Return a corpus in which rare tokens are the unknown one, and common ones have low numbers.

    Args:
        corpus: any.
        most_words: different tokens at most; up to 65 536, so that numbers take two bytes.

    Returns:
        The corpus, and the numbers that its tokens had before.
    """
    counts = np.bincount(corpus.tokens.values, minlength=len(corpus.vocabulary))
    order = np.argsort(-counts, kind="stable")
    special = np.arange(SPECIAL, dtype=np.int64)
    kept = np.concatenate([special, order[order >= SPECIAL]])[:most_words]
    place = np.full(len(corpus.vocabulary), UNKNOWN, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    return (
        replace(
            corpus,
            tokens=Ragged(place[corpus.tokens.values].astype(np.uint16), corpus.tokens.starts),
            vocabulary=corpus.vocabulary[kept],
            is_word_start=corpus.is_word_start[kept],
        ),
        kept,
    )


if __name__ == "__main__":
    sys.exit(main())
