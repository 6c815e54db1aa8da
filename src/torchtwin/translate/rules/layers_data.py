"""Layers that scale and encode data, by what is given or by what `adapt` finds in it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.filling.tables import filled_by
from torchtwin.nn.adapting import Buckets, Encode, Standardizer
from torchtwin.nn.preprocessing import Affine
from torchtwin.nn.vocabulary import TextVocabulary, Vocabulary
from torchtwin.translate.registry import Module, constructor
from torchtwin.view import LayerView, lists

MODES = {"binary": "multi_hot", "tf-idf": "tf_idf"}
"""Old names of output modes."""
KNOWN_MODES = ("int", "one_hot", "multi_hot", "count", "tf_idf")


@filled_by(Standardizer)
def _statistics(module: Any) -> Mapping[str, str]:
    found = () if module.given is not None else ("mean", "variance", "count")
    return {name: name for name in found}


def differing(usual: Mapping[str, Any], **given: Any) -> dict[str, Any]:
    """Return the options that say something."""
    return {k: v for k, v in given.items() if isinstance(v, Expr) or v != usual.get(k)}


@constructor("Rescaling")
def rescaling(layer: LayerView) -> Module:
    offset = lists(layer.get("offset", 0.0))
    plain = not isinstance(offset, Expr | list) and not offset
    return Module(call(Affine, lists(layer["scale"]), *([] if plain else [offset])))


@constructor("Normalization")
def normalization(layer: LayerView) -> Module:
    axis = layer.get("axis", -1)
    axis = axis if isinstance(axis, Expr) else () if axis is None else axis
    axis = (axis,) if isinstance(axis, int) else axis
    options = differing(
        {"dims": (-1,), "invert": False}, dims=axis, mean=lists(layer["mean"]),
        variance=lists(layer["variance"]), invert=layer["invert"],
    )  # fmt: skip
    return Module(call(Standardizer, **options))


def mode_of(layer: LayerView, usual: str) -> str:
    mode = layer.get("output_mode", usual)
    mode = MODES.get(mode, mode) if isinstance(mode, str) else mode
    if isinstance(mode, Expr) or mode not in KNOWN_MODES:
        raise UnsupportedError(f"{layer.class_name}(output_mode={mode!r}) is not translated")
    if layer.get("sparse", False) is not False:
        raise UnsupportedError(f"{layer.class_name}(sparse=...) is not translated")
    return str(mode)


@constructor("CategoryEncoding")
def category_encoding(layer: LayerView) -> Module:
    mode = mode_of(layer, "multi_hot")
    return Module(call(Encode, layer.get("num_tokens"), mode=mode))


@constructor("Discretization")
def discretization(layer: LayerView) -> Module:
    options = differing(
        {"epsilon": 0.01, "mode": "int"}, boundaries=lists(layer.get("bin_boundaries")),
        count=layer.get("num_bins"), epsilon=layer.get("epsilon", 0.01), mode=mode_of(layer, "int"),
    )  # fmt: skip
    return Module(call(Buckets, **options))


def _unhashed(layer: LayerView) -> bool:
    """Tell whether there is a place for what is unknown; several would need Keras's hashes."""
    count = layer["num_oov_indices"]
    if isinstance(count, Expr) or count not in (0, 1):
        raise UnsupportedError(f"{layer.class_name} that hashes unknown words is not translated")
    layer.ignore("oov_method", "salt", "encoding", "vocabulary_dtype")
    return bool(count)


@constructor("StringLookup", "IntegerLookup")
def lookup(layer: LayerView) -> Module:
    usual = "[UNK]" if layer.class_name == "StringLookup" else -1
    options = differing(
        {"unknown": "[UNK]", "has_unknown": True, "mode": "int", "invert": False, "pad": False},
        vocabulary=lists(layer["vocabulary"]), mask=layer["mask_token"],
        unknown=layer.get("oov_token", usual), has_unknown=_unhashed(layer),
        max_tokens=layer["max_tokens"], mode=mode_of(layer, "int"), invert=layer["invert"],
        pad=layer["pad_to_max_tokens"], idf_weights=lists(layer["idf_weights"]),
    )  # fmt: skip
    return Module(call(Vocabulary, **options))


@constructor("TextVectorization")
def text_vectorization(layer: LayerView) -> Module:
    layer.ignore("encoding")
    for name, known in (
        ("standardize", ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)),
        ("split", ("whitespace", "character", None)),
    ):  # fmt: skip
        if isinstance(layer[name], Expr) or layer[name] not in known:
            raise UnsupportedError(f"TextVectorization with a function as {name!r}")
    if layer["ragged"] is not False:
        raise UnsupportedError("TextVectorization(ragged=...) is not translated")
    ngrams: Any = layer["ngrams"] or ()
    ngrams = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
    mode = mode_of(layer, "int")
    if mode == "one_hot":
        raise UnsupportedError("TextVectorization(output_mode='one_hot') is not translated")
    options = differing(
        {"standardize": "lower_and_strip_punctuation", "split": "whitespace", "ngrams": (),
         "mode": "int", "pad": False},
        max_tokens=layer["max_tokens"], standardize=layer["standardize"], split=layer["split"],
        ngrams=ngrams, mode=mode, length=layer["output_sequence_length"],
        pad=layer["pad_to_max_tokens"], vocabulary=lists(layer["vocabulary"]),
        idf_weights=lists(layer["idf_weights"]),
    )  # fmt: skip
    return Module(call(TextVocabulary, **options))
