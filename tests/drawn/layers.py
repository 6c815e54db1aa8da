"""Single layers: a class, its arguments, and inputs of a shape that it takes."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import strategies as st

from drawn.arguments import layer_text
from drawn.draft import Draft, Draw
from drawn.wrappers import WRAPPERS

MERGES = ("Add", "Average", "Concatenate", "Maximum", "Minimum", "Multiply", "Subtract")
ATTENTION = ("AdditiveAttention", "Attention", "GroupQueryAttention", "MultiHeadAttention")
RANKS = {
    "LSTM": (3,),
    "GRU": (3,),
    "SimpleRNN": (3,),
    "RNN": (3,),
    "Bidirectional": (3,),
    "Masking": (3,),
    "RepeatVector": (2,),
    "TimeDistributed": (4, 3, 5),
    "Resizing": (4,),
    "Permute": (3, 4, 5),
    "SpectralNormalization": (2, 4, 3),
    "EinsumDense": (3, 2, 4),
    "GroupNormalization": (4, 3, 5),
}
"""The ranks of inputs of the layers that take not all."""
LENGTHS = ((6, 1, 3, 5, 8), (4, 1, 3))
"""Of spatial axes, by whether there are three. Few, so that what JAX compiled serves again."""


def ranks(name: str) -> tuple[int, ...]:
    """Return the ranks, with the batch, that a layer's input can have; the usual one first."""
    if found := re.search(r"([123])D", name):
        return (int(found[1]) + (3 if name.startswith("ConvLSTM") else 2),)
    return RANKS.get(name, (4, 3) if name.startswith("Random") else (3, 2, 4, 5))


def text(draw: Draw, name: str, shape: tuple[int | None, ...]) -> str:
    """Return the construction of a layer of this class."""
    return WRAPPERS[name](draw, shape) if name in WRAPPERS else layer_text(draw, name, shape)


@st.composite
def single_layers(draw: Draw, name: str) -> Draft:
    """Return a program of one layer; its model is missing where Keras refuses the arguments."""
    draft = Draft()
    if name in (*MERGES, "Dot"):
        arguments = _merged(draw, draft, name)
    elif name in ATTENTION:
        arguments = _attended(draw, draft, name)
    elif name in ("Embedding", "ReversibleEmbedding"):
        draft.input("int:9", draw(st.sampled_from([(2, 5), (3,), (2, 3, 4)])), free=False)
        arguments = draft.tensors[0].text
    else:
        arguments = _input(draw, draft, name)
    shape = draft.tensors[0].shape
    if draft.layer(text(draw, name, shape), arguments):
        draft.model([m.text for m in draft.tensors if m.text.startswith(f"x{draft.count}")])
    return draft


def shapes(draw: Draw, rank: int) -> tuple[int, ...]:
    """Return the shape of an input, with its batch."""
    inside = [draw(st.sampled_from(LENGTHS[rank > 4])) for _ in range(rank - 2)]
    return (draw(st.sampled_from((2, 1))), *inside, draw(st.sampled_from((3, 1, 2, 4, 6))))


def _input(draw: Draw, draft: Draft, name: str) -> str:
    rank = draw(st.sampled_from(ranks(name)))
    shape = shapes(draw, rank)
    masked = rank > 2 and draw(st.integers(0, 3)) == 3
    draft.input("masked" if masked else "normal", shape, free=draw(st.integers(0, 4)) == 4)
    given = draft.tensors[0].text
    if masked and draft.add(f"m = kl.Masking()({given})"):
        return "m"
    return given


def _merged(draw: Draw, draft: Draft, name: str) -> str:
    """Return a list of inputs of equal shape, or of shapes that broadcast."""
    shape = shapes(draw, draw(st.sampled_from((3, 2, 4))))
    for _ in range(draw(st.integers(1 if name not in ("Dot", "Subtract") else 2, 3))):
        change = draw(st.sampled_from(("", "", "one", "shorter", "other")))
        axis = draw(st.integers(1, len(shape) - 1))
        own = list(shape)
        if draft.tensors and change in ("one", "other"):
            own[axis] = 1 if change == "one" else draw(st.integers(1, 5))
        if draft.tensors and change == "shorter":
            own = [own[0], *own[2:]]
        draft.input("normal", tuple(own), free=False)
    return "[" + ", ".join(m.text for m in draft.tensors) + "]"


def _attended(draw: Draw, draft: Draft, name: str) -> str:
    """Return query and value, and a key sometimes, with what the call is told besides."""
    batch, width = draw(st.integers(1, 3)), draw(st.sampled_from((3, 1, 4)))
    steps, others = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    between = (draw(st.integers(1, 3)),) if draw(st.integers(0, 4)) == 4 else ()
    masked = draw(st.integers(0, 2)) == 2 and not between
    names = []
    for length in (steps, others, others)[: draw(st.integers(2, 3))]:
        shape = (batch, *between, length, width)
        draft.input("masked" if masked else "normal", shape, free=False)
        names.append(draft.tensors[-1].text)
        if masked and draft.add(f"m{len(names)} = kl.Masking()({names[-1]})"):
            names[-1] = f"m{len(names)}"
    said: dict[str, Any] = {}
    for argument in ("use_causal_mask", "return_attention_scores"):
        if draw(st.integers(0, 2)) == 2:
            said[argument] = True
    parts = ", ".join(names)
    more = "".join(f", {k}={v}" for k, v in said.items())
    return (
        f"{parts}{more}"
        if name in ("MultiHeadAttention", "GroupQueryAttention")
        else f"[{parts}]{more}"
    )
