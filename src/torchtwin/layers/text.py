"""TextVectorization, StringLookup and IntegerLookup; text is cleaned and split in Python.

Keras runs TensorFlow's string operations here under every backend: letters outside ASCII are not
lowered, and only ASCII's whitespace splits. Vectors are floats, as Keras declares them; run
eagerly it returns some as integers.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.layers.encoding import MODES, VECTORS, mode_of
from torchtwin.layers.hashing import key_of
from torchtwin.nn.lookup import HashedNumberLookup, HashedWordLookup, NumberLookup
from torchtwin.nn.text import TextVectorizer, WordLookup
from torchtwin.rule import Piece, options, rule
from torchtwin.source import Array
from torchtwin.view import LayerView

STANDARDIZE = ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)
SPLIT = ("whitespace", "character", None)
MOST_UNKNOWN = 1 << 20


@rule("TextVectorization")
def text_vectorization(layer: LayerView) -> Piece:
    mode = MODES.get(layer["output_mode"], layer["output_mode"])
    standardize = _one_of(layer, "standardize", STANDARDIZE)
    split = _one_of(layer, "split", SPLIT)
    ngrams = layer["ngrams"] or ()
    ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
    if mode == "one_hot":
        raise UnsupportedError("TextVectorization(output_mode='one_hot') is not translated")
    _strings(layer, (1, 2) if split else (2,))
    if split and layer.input.rank == 2 and layer.input.shape[1] != 1:
        raise UnsupportedError("it splits rows of several strings, which Keras refuses too")
    if ngrams and split is None:
        raise UnsupportedError("ngrams of text that is not split are not translated")
    words = _vocabulary(layer, ("", "[UNK]") if mode == "int" else ("[UNK]",), "")
    differing = {
        name: value
        for name, value, usual in (
            ("standardize", standardize, STANDARDIZE[0]),
            ("split", split, SPLIT[0]),
            ("ngrams", ngrams, ()),
            ("length", layer["output_sequence_length"], None),
        )
        if value != usual
    }
    return _piece(layer, TextVectorizer, words, mode, differing)


def unknown_places(layer: LayerView) -> int:
    """Return how many places there are for unknown words."""
    count: Any = layer["num_oov_indices"]
    if not isinstance(count, int) or not 0 <= count <= MOST_UNKNOWN:
        raise UnsupportedError(f"{layer.class_name}(num_oov_indices={count!r}) is not translated")
    if layer["invert"]:
        raise UnsupportedError(f"{layer.class_name} from places to words is not translated")
    return count


@rule("StringLookup")
def string_lookup(layer: LayerView) -> Piece:
    mode = MODES.get(layer["output_mode"], layer["output_mode"])
    mask, unknown, count = layer["mask_token"], layer["oov_token"], unknown_places(layer)
    if mode == "one_hot" and (layer.input.rank == 1 or layer.input.shape[1:] == (1,)):
        mode = "multi_hot"
    elif mode == "one_hot":
        raise UnsupportedError("one-hot vectors of rows of several strings are not translated")
    elif mode != "int":
        _strings(layer, (2,))
    _strings(layer, (1, 2, 3))
    layer.ignore("oov_method", "salt")  # they tell how to hash
    special = (mask,) if mask is not None and mode == "int" else ()
    words = _vocabulary(layer, (*special, *[unknown] * count), mask)
    place = len(special) if count else None
    differing = {"unknown": place} if place != 0 else {}
    differing |= options(mask=mask if mode != "int" else None)
    if count < 2:
        return _piece(layer, WordLookup, words, mode, differing)
    differing |= {"buckets": count, **options(key=key_of(layer))}
    return _piece(layer, HashedWordLookup, words, mode, differing)


@rule("IntegerLookup")
def integer_lookup(layer: LayerView) -> Piece:
    mode, mask = mode_of(layer, "int", *VECTORS, "tf_idf"), layer["mask_token"]
    count, unknown = unknown_places(layer), layer["oov_token"]
    if not layer.input.dtype.startswith(("int", "uint")):
        raise UnsupportedError(f"IntegerLookup of {layer.input.dtype} is not translated")
    special = (mask,) if mask is not None and mode == "int" else ()
    special = (*special, *[unknown] * count)
    words = np.asarray(_terms(layer, special, mask, int)[len(special) :], "int64")
    given = {"unknown": count, "mask": mask, "mode": mode}
    weights = {"vocabulary": "given"}
    if mode != "int":
        padded = layer["pad_to_max_tokens"]
        given["depth"] = layer["max_tokens"] if padded else len(special) + len(words)
    layer.ignore("pad_to_max_tokens", "max_tokens", "vocabulary_dtype", "encoding")
    if mode == "tf_idf":
        weights["idf_weights"] = "idf_weights"
    module: Any = NumberLookup
    hashed, key = layer.get("oov_method", "floormod") == "farmhash", key_of(layer)
    if hashed and count > 1:
        module, given = HashedNumberLookup, {**given, "key": key}
    return Piece(
        module=call(module, len(words), len(special), **options(**given) | {"unknown": count}),
        weights=weights,
        constants={"vocabulary": Array("vocabulary", words.shape, "int64", lambda: words)},
        untrained=("idf_weights",) if mode == "tf_idf" else (),
    )


def _one_of(layer: LayerView, name: str, allowed: tuple[str | None, ...]) -> str | None:
    """Return an argument that may also be a function of the author."""
    value: Any = layer[name]
    if value is not None and not (isinstance(value, str) and value in allowed):
        raise UnsupportedError(
            f"{layer.class_name} with a function of its author as {name!r} is not translated"
        )
    return value


def _strings(layer: LayerView, ranks: tuple[int, ...]) -> None:
    if layer.input.dtype != "string":
        raise UnsupportedError(f"{layer.class_name} of {layer.input.dtype}")
    if layer.input.rank not in ranks:
        raise UnsupportedError(f"{layer.class_name} of strings of rank {layer.input.rank}")


def _vocabulary(layer: LayerView, special: tuple[str, ...], mask: str | None) -> list[str | None]:
    """Return the whole vocabulary, special words first."""
    words = _terms(layer, special, mask, str)[len(special) :]
    # What stands for several places is at none of them: it is hashed as others are.
    return [*(None if special.count(word) > 1 else word for word in special), *words]


def _terms(layer: LayerView, special: tuple[Any, ...], mask: Any, kind: type) -> list[Any]:
    """Return all terms, special ones first; Keras takes a vocabulary with or without them."""
    given: Any = layer["vocabulary"]
    if not isinstance(given, tuple) or not all(isinstance(word, kind) for word in given):
        raise UnsupportedError(
            "its vocabulary is not in the file",
            hint="save the model as .keras, or convert the live model",
        )
    words = given[len(special) :] if given[: len(special)] == special else given
    if not words or mask in words or len(set(words)) != len(words):
        raise UnsupportedError("its vocabulary holds a word twice, or the mask as a word")
    layer.ignore("vocabulary_size", "has_input_vocabulary", "idf_weights")
    return [*special, *words]


def _piece(
    layer: LayerView, module: Any, words: list[str | None], mode: str, differing: dict[str, Any]
) -> Piece:
    """Return the piece with its vocabulary as a buffer: it would swell the source."""
    text = np.frombuffer(json.dumps(words, ensure_ascii=False).encode(), dtype="uint8")
    weights = {"vocabulary": "given"}
    if mode == "int":
        layer.ignore("pad_to_max_tokens", "max_tokens")
    else:
        depth = layer["max_tokens"] if layer["pad_to_max_tokens"] else len(words)
        differing |= {"mode": mode, "depth": depth}
        layer.ignore("max_tokens")
    if mode == "tf_idf":
        weights["idf_weights"] = "idf_weights"
    return Piece(
        module=call(module, len(text), **differing),
        weights=weights,
        constants={"vocabulary": Array("vocabulary", text.shape, "uint8", lambda: text)},
        untrained=("idf_weights",) if mode == "tf_idf" else (),
        comment=f"bytes of {len(words)} words",
    )
