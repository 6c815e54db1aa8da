"""Max and average pooling -> F.max_pool, F.avg_pool; global pooling -> amax, mean.

With padding "same" Keras's output is ceil(size / stride) long and its odd element of padding
goes after. PyTorch's `ceil_mode` adds just that one, and does not count it in an average.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, call
from torchtwin.layers.spatial import each, lengths, same_padding, spatial_rank
from torchtwin.nn.same import same_avg_pool, same_max_pool
from torchtwin.ops.values import torch_type
from torchtwin.rule import ANY, CHANNELS_FIRST, Case, Piece, extra_cases, options, rule, single
from torchtwin.view import LayerView

MAX = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}


@rule("MaxPooling1D", "MaxPooling2D", "MaxPooling3D", layout=CHANNELS_FIRST)
def max_pooling(layer: LayerView) -> Piece:
    return Piece(_pooled(layer, MAX, same_max_pool))


@rule("AveragePooling1D", "AveragePooling2D", "AveragePooling3D", layout=CHANNELS_FIRST)
def average_pooling(layer: LayerView) -> Piece:
    return Piece(_pooled(layer, AVERAGE, same_avg_pool, count_include_pad=False))


def _pooled(layer: LayerView, functions: Any, of_any_size: Any, **padded: Any) -> Expr:
    """Return the pooled input; `padded` are options that matter only where there is padding."""
    rank, kind = spatial_rank(layer), layer["padding"]
    kernel = each(layer["pool_size"], rank)
    stride = kernel if layer["strides"] is None else each(layer["strides"], rank)
    step = None if stride == kernel else single(stride)
    if kind == "valid":
        return call(functions[rank], layer.x, single(kernel), **options(stride=step))
    if kind != "same":
        raise UnsupportedError(f"padding={kind!r} is not translated")
    sizes = lengths(layer)
    pads = [_pads(*axis) for axis in zip(sizes, kernel, stride, strict=True)]
    known = [p for p in pads if p is not None]
    # F.avg_pool3d takes no input that is shorter than its window, not with padding either.
    short = any(n is not None and n < k for n, k in zip(sizes, kernel, strict=True))
    if len(known) < rank or (short and functions[rank] is F.avg_pool3d):
        return call(of_any_size, layer.x, kernel, stride)
    padding = single(tuple(before for before, _, _ in known))
    some = padding != 0 or any(after for _, after, _ in known)
    x = call(
        functions[rank], layer.x, single(kernel),
        **options(stride=step, padding=padding or None, ceil_mode=any(a for _, a, _ in known)),
        **(padded if some else {}),
    )  # fmt: skip
    return x[..., *_slices([cut for _, _, cut in known])] if any(c for _, _, c in known) else x


def _pads(size: int | None, kernel: int, stride: int) -> tuple[int, bool, int] | None:
    """Return `padding`, whether `ceil_mode` has to add one after, and what to cut off in front.

    None where the padding in front depends on a free length. At stride 1 there is no ceil_mode:
    an even window gets one too many in front, and the first result, Keras has none, is cut.
    """
    if stride == 1:
        return kernel // 2, False, 1 - kernel % 2
    sizes = range(stride, 2 * stride) if size is None else [size]
    totals = [sum(same_padding([n], [kernel], [stride], [1])[0] or ()) for n in sizes]
    if len({total // 2 for total in totals}) > 1:
        return None
    return totals[0] // 2, any(total % 2 for total in totals), 0


def _slices(cuts: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(cut or None, None) for cut in cuts)


@rule(
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    layout=ANY,
    takes_mask=True,
)
def global_average_pooling(layer: LayerView) -> Piece:
    dims, keepdim = _global(layer)
    if layer.mask is None or layer.class_name != "GlobalAveragePooling1D":
        return Piece(layer.x.mean(dims, **keepdim))
    # Keras averages over the steps that the mask keeps; none of them gives NaN there too.
    steps = layer.mask[:, :, None] if dims == 1 else layer.mask[:, None]
    total = layer.x.where(steps, 0).sum(dims, **keepdim)
    return Piece(total / steps.sum(dims, **keepdim))


@rule("GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D", layout=ANY)
def global_max_pooling(layer: LayerView) -> Piece:
    dims, keepdim = _global(layer)
    return Piece(layer.x.amax(dims, **keepdim))


def _global(layer: LayerView) -> tuple[Any, dict[str, bool]]:
    """Return the physical axes to reduce, and `keepdim`."""
    rank = spatial_rank(layer)
    first = 2 if layer["data_format"] == "channels_first" else 1
    dims = sorted(layer.input.axis(axis) for axis in range(first, first + rank))
    return dims[0] if rank == 1 else tuple(dims), options(keepdim=layer["keepdims"])


def _adaptive(layer: LayerView, functions: Any) -> Piece:
    rank = spatial_rank(layer)
    size = single(each(layer["output_size"], rank))
    if not layer.input.dtype.startswith(("int", "uint")):
        return Piece(call(functions[rank], layer.x, size))
    made = call(functions[rank], layer.x.double(), size)  # PyTorch compares no such pixels
    return Piece(made.to(torch_type(layer.input.dtype)))


@rule(*(f"AdaptiveAveragePooling{k}D" for k in (1, 2, 3)), layout=CHANNELS_FIRST)
def adaptive_average_pooling(layer: LayerView) -> Piece:
    pools = {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d, 3: F.adaptive_avg_pool3d}
    return _adaptive(layer, pools)


@rule(*(f"AdaptiveMaxPooling{k}D" for k in (1, 2, 3)), layout=CHANNELS_FIRST)
def adaptive_max_pooling(layer: LayerView) -> Piece:
    pools = {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d}
    return _adaptive(layer, pools)


def _pool_cases(rank: int) -> list[Case]:
    shape = (*(2, 7, 6, 4)[: rank + 1], 3)
    first = (2, 3, *shape[1:-1])
    return [
        Case({"pool_size": 2}, shape),
        Case({"pool_size": 3, "strides": 2}, shape, "strides"),
        Case({"pool_size": 2, "padding": "same"}, shape, "same"),
        Case({"pool_size": 3, "strides": 2, "padding": "same"}, shape, "same with overlap"),
        Case({"pool_size": 2, "strides": 1, "padding": "same"}, shape, "same at stride one"),
        Case(
            {"pool_size": 3, "padding": "same", "data_format": "channels_first"},
            first,
            "same channels first",
        ),
        Case({"pool_size": 2, "data_format": "channels_first"}, first, "channels first"),
        Case({"pool_size": 2, "padding": "same"}, shape, "free", free=True),
        Case({"pool_size": 3, "strides": 2, "padding": "same"}, shape, "free overlap", free=True),
    ]


def _global_cases(rank: int) -> list[Case]:
    shape = (*(2, 7, 6, 4)[: rank + 1], 3)
    first = (2, 3, *shape[1:-1])
    return [
        Case({}, shape),
        Case({"keepdims": True}, shape, "keepdims"),
        Case({"data_format": "channels_first", "keepdims": True}, first, "channels first"),
    ]


for _rank in (1, 2, 3):
    extra_cases(f"MaxPooling{_rank}D", _pool_cases(_rank))
    extra_cases(f"AveragePooling{_rank}D", _pool_cases(_rank))
    extra_cases(f"GlobalMaxPooling{_rank}D", _global_cases(_rank))
    extra_cases(f"GlobalAveragePooling{_rank}D", _global_cases(_rank))
    for _kind in ("Average", "Max"):
        _shape = (*(2, 7, 6, 4)[: _rank + 1], 3)
        extra_cases(f"Adaptive{_kind}Pooling{_rank}D", [Case({"output_size": 3}, _shape)])
extra_cases(
    "MaxPooling2D",
    [
        Case({"pool_size": (3, 2), "strides": (2, 3), "padding": "same"}, (2, 8, 7, 3), "mixed"),
        Case({"pool_size": (4, 5), "strides": (1, 3), "padding": "same"}, (2, 8, 7, 3), "cut"),
    ],
)
extra_cases(
    "AveragePooling2D",
    [
        Case({"pool_size": (3, 2), "strides": (2, 3), "padding": "same"}, (2, 8, 7, 3), "mixed"),
        Case({"pool_size": (4, 5), "strides": (1, 3), "padding": "same"}, (2, 8, 7, 3), "cut"),
    ],
)
extra_cases(
    "AveragePooling3D",
    [Case({"pool_size": 2, "padding": "same"}, (2, 4, 1, 5, 3), "shorter than its window")],
)
extra_cases(
    "GlobalAveragePooling1D",
    [Case({}, (2, 5, 3), "masked", mask=True),
     Case({"keepdims": True}, (2, 5, 3), "masked keepdims", mask=True)],
)  # fmt: skip
