"""Conv1DTranspose, Conv2DTranspose and Conv3DTranspose -> nn.ConvTransposeNd."""

from __future__ import annotations

from torch import nn

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.layers.conv import AXES
from torchtwin.layers.spatial import each, spatial_rank
from torchtwin.nn.same import transposed_crop
from torchtwin.rule import CHANNELS_FIRST, Case, Piece, extra_cases, rule, single
from torchtwin.view import LayerView

TRANSPOSED = {1: nn.ConvTranspose1d, 2: nn.ConvTranspose2d, 3: nn.ConvTranspose3d}


@rule("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", layout=CHANNELS_FIRST)
def conv_transpose(layer: LayerView) -> Piece:
    rank, kind = spatial_rank(layer), layer["padding"]
    kernel, stride, dilation = (
        each(layer[name], rank) for name in ("kernel_size", "strides", "dilation_rate")
    )
    wanted = layer["output_padding"]
    longer: tuple[int | None, ...] = (None,) * rank if wanted is None else each(wanted, rank)
    if kind not in ("valid", "same"):
        raise UnsupportedError(f"padding={kind!r} is not translated")
    crops = [
        transposed_crop(kind, *axis) for axis in zip(kernel, stride, dilation, longer, strict=True)
    ]
    # PyTorch takes `padding` off both sides and puts `output_padding` on after; what Keras
    # takes off after beyond that is a slice.
    padding = tuple(max(0, min(c)) if c[0] <= c[1] else c[0] for c in crops)
    more = tuple(max(0, before - after) for before, after in crops)
    for extra, s, d in zip(more, stride, dilation, strict=True):
        if extra >= max(s, d):
            raise UnsupportedError(f"output_padding={wanted!r} with strides={single(stride)!r}")
    module = call(
        TRANSPOSED[rank], layer.channels, layer["filters"], single(kernel), stride=single(stride),
        padding=single(padding), output_padding=single(more), dilation=single(dilation),
        bias=layer["use_bias"],
    )  # fmt: skip
    x = layer.module(layer.x)
    ends = tuple(slice(None, min(0, before - after) or None) for before, after in crops)
    letters = AXES[rank]
    weights = {"weight": f"kernel: {letters} o i -> i o {letters}"}
    return Piece(
        x[..., *ends] if any(end.stop for end in ends) else x,
        module=module,
        weights=weights | ({"bias": "bias"} if layer["use_bias"] else {}),
        activation=layer["activation"],
    )


SHAPES = {1: (2, 5, 3), 2: (2, 4, 5, 3), 3: (2, 2, 3, 4, 2)}


def _cases(rank: int) -> list[Case]:
    shape = SHAPES[rank]
    first = (2, 2, *shape[1:-1])
    base = {"filters": 2, "kernel_size": 3}
    same = {**base, "padding": "same"}
    return [
        Case({**base, "activation": "relu"}, shape),
        Case({**same, "strides": 2}, shape, "one off after"),
        Case({**same, "kernel_size": 4, "strides": 2}, shape, "even"),
        Case({**base, "strides": 2, "output_padding": 1, "use_bias": False}, shape, "longer"),
        Case({**same, "strides": 2, "data_format": "channels_first"}, first, "channels first"),
    ]


for _rank in (1, 2, 3):
    extra_cases(f"Conv{_rank}DTranspose", _cases(_rank))
_EVERY = (((1, 2), (2, 3)), ((2, 5), (5, 2)), ((6, 3), (3, 1)), ((2, 4), (1, 3)))
_LONGER = (((2, 3), (0, 1)), ((4, 5), (2, 0)), ((1, 4), (2, 1)))
extra_cases(
    "Conv2DTranspose",
    [
        Case({"filters": 2, "kernel_size": k, "strides": s, "padding": kind}, (2, 3, 4, 3), kind)
        for k, s in _EVERY
        for kind in ("same", "valid")
    ]
    + [
        Case(
            {"filters": 2, "kernel_size": k, "strides": 3, "padding": "same", "output_padding": o},
            (2, 3, 4, 3),
            "longer",
        )
        for k, o in _LONGER
    ]
    + [
        Case(
            {"filters": 2, "kernel_size": (2, 3), "dilation_rate": (3, 2), "padding": kind},
            (2, 3, 4, 3),
            f"dilation {kind}",
        )
        for kind in ("same", "valid")
    ]
    + [
        Case(
            {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
            (2, 3, 4, 3),
            "any size",
            free=True,
        )
    ],
)
