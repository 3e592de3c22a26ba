"""Cheap, fixed descriptors of what is no table cell: text, images, embeddings.

Each gives one number per row and becomes a numeric column of the profile, ``<column>.<name>``.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.drift.profiles.cells import Floats, Ints
from tasks.drift.profiles.sketch import hash_strings

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = ("length", "words", "upper", "digits", "foreign", "known")
IMAGE = ("bytes", "width", "height", "brightness", "contrast", "sharpness")
PROJECTIONS = 8
VECTOR = ("norm", *(f"p{index}" for index in range(PROJECTIONS)))
_SPLIT = r"[^\p{L}\p{N}']+"
_THUMBNAIL = 128
WORDS = "words_used"
_LOOKED_AT, _ENOUGH, _PROSE = 2_000, 50, 4.0
"""Strings that are looked at, the least of them, and the words on average that make them prose."""


def words_of(texts: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Lower-case words of each text.

    Returns:
        Row of each word, int64; the words, dictionary-encoded. Blanks are no words.
    """
    import pyarrow.compute as pc

    parts = pc.split_pattern_regex(pc.utf8_lower(texts), _SPLIT)
    rows, words = pc.list_parent_indices(parts), pc.list_flatten(parts)
    real = pc.greater(pc.binary_length(words), 0)
    return rows.filter(real), words.filter(real).dictionary_encode()


def half_of(texts: pa.Array) -> Ints:
    """Which half each text belongs to, 0 or 1, by its hash; shape (n,)."""
    return (hash_strings(texts) & np.uint64(1)).astype(np.int64)


def describe_text(
    texts: pa.Array,
    rows: pa.Array,
    words: pa.Array,
    vocabularies: tuple[Sequence[str], Sequence[str]],
) -> Mapping[str, Floats]:
    """Descriptors of non-null texts, shape (n,) each.

    ``length`` in characters, ``words`` in words; ``upper``, ``digits`` and ``foreign`` (beyond
    ASCII) as shares of the characters; ``known``: the share of words in the vocabulary that was
    fitted on the other half of the texts.

    Args:
        texts: String array without nulls.
        rows: Row of each word, from :func:`words_of`.
        words: The words, from there too.
        vocabularies: The grid's words of this column.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    def kept(pattern: str) -> Floats:
        removed = pc.replace_substring_regex(texts, pattern, "")
        return np.asarray(pc.utf8_length(removed).to_numpy(zero_copy_only=False), np.float64)

    length = np.asarray(pc.utf8_length(texts).to_numpy(zero_copy_only=False), np.float64)
    characters = np.maximum(length, 1)
    row = rows.to_numpy(zero_copy_only=False)
    count = np.bincount(row, minlength=len(texts)).astype(np.float64)
    hit = np.zeros(len(words), bool)
    if len(words):
        codes, side = words.indices.to_numpy(), half_of(texts)[row]
        for half, vocabulary in enumerate(vocabularies):
            known = pc.is_in(words.dictionary, value_set=pa.array(vocabulary, pa.string()))
            listed = known.to_numpy(zero_copy_only=False)[codes]
            hit |= listed & (side != half)
    hits = np.bincount(row, weights=hit.astype(np.float64), minlength=len(texts))
    return {
        "length": length,
        "words": count,
        "upper": kept(r"\P{Lu}") / characters,
        "digits": kept(r"\P{Nd}") / characters,
        "foreign": kept(r"[\x00-\x7F]") / characters,
        "known": hits / np.maximum(count, 1),
    }


def describe_image(data: bytes) -> tuple[float, ...] | None:
    """Descriptors of one encoded image, in the order of ``IMAGE``; None when it does not decode.

    ``bytes`` as encoded; ``width`` and ``height`` in pixels. On a grey thumbnail of at most 128
    pixels a side, in 0-255: mean ``brightness``, its standard deviation ``contrast``, and
    ``sharpness``, the standard deviation of the discrete Laplacian.
    """
    import warnings

    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as image:
                width, height = image.size
                image.draft("L", (_THUMBNAIL, _THUMBNAIL))
                grey = image.convert("L")
                grey.thumbnail((_THUMBNAIL, _THUMBNAIL))
                pixels = np.asarray(grey, np.float64)
    except (
        UnidentifiedImageError,
        OSError,
        ValueError,
        SyntaxError,  # Pillow's word for a broken PNG
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        return None
    inner = pixels[1:-1, 1:-1]
    around = pixels[:-2, 1:-1] + pixels[2:, 1:-1] + pixels[1:-1, :-2] + pixels[1:-1, 2:]
    sharpness = float(np.std(around - 4 * inner)) if inner.size else 0.0
    sizes = (float(len(data)), float(width), float(height))
    return (*sizes, float(pixels.mean()), float(pixels.std()), sharpness)


def describe_vectors(vectors: Floats) -> Mapping[str, Floats]:
    """Norm and eight fixed random projections of embeddings, shape (n, d) → shape (n,) each.

    Differences of means and spreads in any direction show in almost every random projection
    (Johnson-Lindenstrauss), and projections of disjoint partitions merge.
    """
    dimension = vectors.shape[1]
    # RandomState's stream never changes between NumPy versions; profiles live for years.
    directions = np.random.RandomState(dimension).standard_normal((dimension, PROJECTIONS))
    projected = vectors @ (directions / np.sqrt(max(dimension, 1)))
    named: dict[str, Floats] = {"norm": np.linalg.norm(vectors, axis=1)}
    named.update({f"p{index}": projected[:, index] for index in range(PROJECTIONS)})
    return named


def derived_names(kind: str, name: str) -> tuple[str, ...]:
    """Numeric columns that a column of this kind is counted as."""
    own: Mapping[str, Any] = {"text": TEXT, "image": IMAGE, "vector": VECTOR}
    return (name,) if kind == "numeric" else tuple(f"{name}.{part}" for part in own.get(kind, ()))


def parts_of(kind: str, name: str) -> tuple[str, ...]:
    """Names of all that a column of this kind is counted as, the words of a text included."""
    if kind == "categorical":
        return (name,)
    words = (f"{name}.{WORDS}",) if kind == "text" else ()
    return (*derived_names(kind, name), *words)


def is_prose(values: Any) -> bool:
    """Whether strings are free text: most of them different, of four words or more on average.

    Args:
        values: Arrow array or chunked array of a sample.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if hasattr(values, "combine_chunks"):
        values = values.combine_chunks()
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    texts = values.slice(0, _LOOKED_AT).drop_null()
    if len(texts) < _ENOUGH or len(texts.unique()) < len(texts) / 2:
        return False
    words = pc.list_value_length(pc.utf8_split_whitespace(texts))
    return float(pc.mean(words).as_py()) >= _PROSE
