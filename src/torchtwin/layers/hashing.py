"""Hashing and HashedCrossing, by TensorFlow's hashes: Keras runs them under every backend."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.layers.encoding import VECTORS, mode_of, whole
from torchtwin.nn.adapting import encoded
from torchtwin.nn.hashing import CrossedBuckets, HashBuckets
from torchtwin.rule import Piece, options, rule
from torchtwin.view import LayerView, Tensor


def _encoded(layer: LayerView, buckets: Expr, mode: str) -> Expr:
    if mode != "int":
        return call(encoded, buckets, whole(layer, "num_bins"), mode)
    dtype = layer.get("dtype")
    return {"int32": buckets.int, "float32": buckets.float}.get(str(dtype), lambda: buckets)()


def key_of(layer: LayerView, name: str = "salt") -> list[int] | None:
    """Return the key of the strong hash."""
    salt: Any = layer.get(name)
    salt = (salt, salt) if isinstance(salt, int) else salt
    if salt is None:
        return None
    if not (isinstance(salt, tuple) and len(salt) == 2 and all(isinstance(n, int) for n in salt)):
        raise UnsupportedError(f"{layer.class_name}({name}={salt!r}) is not translated")
    return list(salt)


def _hashable(layer: LayerView, tensor: Tensor) -> None:
    if not tensor.dtype.startswith(("int", "uint", "string")):
        raise UnsupportedError(f"{layer.class_name} of {tensor.dtype} is not translated")


@rule("Hashing")
def hashing(layer: LayerView) -> Piece:
    mode, mask = mode_of(layer, "int", *VECTORS), layer["mask_value"]
    if not layer.input.dtype.startswith("float") or mask is not None:
        _hashable(layer, layer.input)
    if mask is not None and not isinstance(mask, str if layer.input.dtype == "string" else int):
        raise UnsupportedError(f"Hashing(mask_value={mask!r}) of {layer.input.dtype}")
    if mode == "one_hot" and layer.input.rank > 2:
        raise UnsupportedError("one-hot vectors of the hashes of rows are not translated")
    module = call(HashBuckets, whole(layer, "num_bins"), **options(mask=mask, key=key_of(layer)))
    return Piece(_encoded(layer, layer.module(layer.x), mode), module=module)


@rule("HashedCrossing")
def hashed_crossing(layer: LayerView) -> Piece:
    mode = mode_of(layer, "int", "one_hot")
    for tensor in layer.inputs:
        _hashable(layer, tensor)
        if tensor.rank > 2 or tensor.shape[1:] not in ((), (1,)):
            raise UnsupportedError("HashedCrossing of rows, which Keras refuses too")
    if len(layer.inputs) < 2:
        raise UnsupportedError("HashedCrossing of one input, which Keras refuses too")
    crossed = layer.module(*(tensor.expr for tensor in layer.inputs))
    return Piece(
        _encoded(layer, crossed, mode), module=call(CrossedBuckets, whole(layer, "num_bins"))
    )
