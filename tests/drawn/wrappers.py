"""Layers around layers, cells, and those whose arguments must fit each other."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from drawn.arguments import layer_text
from drawn.draft import Draw

Shape = tuple[int | None, ...]
CELLS = ("LSTMCell", "GRUCell", "SimpleRNNCell")
RECURRENT = ("LSTM", "GRU", "SimpleRNN")
INNER = {
    2: ("Dense", "LayerNormalization", "Activation", "UnitNormalization"),
    3: ("Conv1D", "Dense", "LSTM", "GRU", "MaxPooling1D", "GlobalAveragePooling1D", "Flatten"),
    4: ("Conv2D", "MaxPooling2D", "BatchNormalization", "Flatten", "ZeroPadding2D", "Dropout"),
    5: ("Conv3D", "GlobalAveragePooling3D"),
}
"""What a layer is wrapped for, by the rank of its input."""


def cells(draw: Draw, shape: Shape) -> str:
    """Return a cell, a list of cells, or a stack of them."""
    count = draw(st.sampled_from((1, 1, 2, 3)))
    made = [layer_text(draw, draw(st.sampled_from(CELLS)), shape, 2) for _ in range(count)]
    several = f"[{', '.join(made)}]"
    stacked = f"kl.StackedRNNCells({several})"
    return made[0] if count == 1 else draw(st.sampled_from((several, stacked)))


def _with(draw: Draw, head: str, name: str, shape: Shape) -> str:
    """Return a wrapper's text: its first argument, then what its own signature has."""
    rest = layer_text(draw, name, shape, 3).removeprefix(f"kl.{name}(")
    return f"kl.{name}({head}{', ' if rest != ')' else ''}{rest}"


def rnn(draw: Draw, shape: Shape) -> str:
    return _with(draw, cells(draw, shape), "RNN", shape)


def bidirectional(draw: Draw, shape: Shape) -> str:
    kind = draw(st.sampled_from((*RECURRENT, "RNN")))
    inner = rnn(draw, shape) if kind == "RNN" else layer_text(draw, kind, shape, 3)
    return _with(draw, inner, "Bidirectional", shape)


def time_distributed(draw: Draw, shape: Shape) -> str:
    inside = (shape[0], *shape[2:])
    name = draw(st.sampled_from(INNER[len(inside)]))
    return f"kl.TimeDistributed({layer_text(draw, name, inside, 3)})"


def spectral(draw: Draw, shape: Shape) -> str:
    name = {2: "Dense", 3: "Conv1D", 4: "Conv2D"}[len(shape)]
    return _with(draw, layer_text(draw, name, shape, 3), "SpectralNormalization", shape)


EQUATIONS: dict[int, tuple[tuple[str, str], ...]] = {
    2: (("ab,bc->ac", "c"), ("...b,bc->...c", "c"), ("ab,bcd->acd", "cd"), ("ab,b->ab", "b")),
    3: (
        ("abc,cd->abd", "bd"),
        ("abc,cde->abde", "de"),
        ("abc,bcd->ad", "d"),
        ("abc,bd->adc", "dc"),
        ("...c,cd->...d", "d"),
        ("abc,cd->adb", "d"),
        ("abc,bc->abc", "bc"),
        ("abc,bd->acd", "d"),
    ),
    4: (
        ("abcd,cde->abe", "e"),
        ("abcd,de->abce", "e"),
        ("abcd,be->aecd", "e"),
        ("...cd,de->...ce", "e"),
    ),
}
"""Equations of EinsumDense by the rank of the input, and axes that its bias can have."""


def einsum(draw: Draw, shape: Shape) -> str:
    equation, biased = draw(st.sampled_from(EQUATIONS[len(shape)]))
    result = equation.partition("->")[2].replace("...", "")
    first = equation.partition(",")[0].replace("...", "")
    known = dict(zip(first[::-1], shape[::-1], strict=False))
    fresh = {letter: draw(st.integers(1, 4)) for letter in result if letter not in known}
    size = tuple(fresh.get(letter, known.get(letter)) for letter in result)
    if "..." not in equation:
        size = size[1:]
    axes = draw(st.none() | st.lists(st.sampled_from(biased), min_size=1, unique=True).map("".join))
    activation = draw(st.sampled_from((None, "relu", "softmax")))
    return (
        f"kl.EinsumDense({equation!r}, output_shape={size!r}, bias_axes={axes!r}, "
        f"activation={activation!r})"
    )


WRAPPERS: dict[str, Callable[[Draw, Shape], str]] = {
    "RNN": rnn,
    "Bidirectional": bidirectional,
    "TimeDistributed": time_distributed,
    "SpectralNormalization": spectral,
    "EinsumDense": einsum,
}
