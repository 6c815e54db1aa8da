"""Small graphs of layers: branches, merges, shared layers, nested models, masks, operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from drawn.draft import Draft, Draw, Made
from drawn.layers import MERGES, text
from drawn.operations import UNARY, paired

ANY_RANK = (
    "Dense",
    "Activation",
    "Dropout",
    "LayerNormalization",
    "BatchNormalization",
    "Flatten",
    "LeakyReLU",
    "PReLU",
    "ReLU",
    "ELU",
    "Softmax",
    "GaussianNoise",
    "Rescaling",
    "UnitNormalization",
    "RMSNormalization",
    "Reshape",
    "Identity",
    "ActivityRegularization",
)
OF_RANK = {
    2: ("Dense", "RepeatVector", "Reshape", "Dense"),
    3: (
        "Conv1D",
        "LSTM",
        "GRU",
        "SimpleRNN",
        "Bidirectional",
        "RNN",
        "MaxPooling1D",
        "AveragePooling1D",
        "GlobalAveragePooling1D",
        "GlobalMaxPooling1D",
        "Permute",
        "UpSampling1D",
        "ZeroPadding1D",
        "Cropping1D",
        "SpatialDropout1D",
        "SeparableConv1D",
        "DepthwiseConv1D",
        "Conv1DTranspose",
        "TimeDistributed",
        "EinsumDense",
        "GroupNormalization",
        "Masking",
        "LSTM",
        "GRU",
    ),
    4: (
        "Conv2D",
        "MaxPooling2D",
        "AveragePooling2D",
        "GlobalAveragePooling2D",
        "GlobalMaxPooling2D",
        "Permute",
        "UpSampling2D",
        "ZeroPadding2D",
        "Cropping2D",
        "SpatialDropout2D",
        "SeparableConv2D",
        "DepthwiseConv2D",
        "Conv2DTranspose",
        "TimeDistributed",
        "EinsumDense",
        "GroupNormalization",
        "ConvLSTM1D",
        "Conv2D",
        "MaxPooling2D",
    ),
    5: (
        "Conv3D",
        "MaxPooling3D",
        "AveragePooling3D",
        "GlobalAveragePooling3D",
        "GlobalMaxPooling3D",
        "UpSampling3D",
        "ZeroPadding3D",
        "Cropping3D",
        "ConvLSTM2D",
        "TimeDistributed",
    ),
}
"""Layers by the rank of what they are called on, the usual ones more than once."""
INPUTS = {
    "vector": ("normal", (2, 4)),
    "sequence": ("normal", (2, 6, 4)),
    "image": ("normal", (2, 8, 8, 3)),
    "masked": ("masked", (2, 6, 4)),
    "tokens": ("int:9", (2, 6)),
    "wide": ("normal", (2, 5, 8, 3)),
    "first": ("normal", (2, 3, 8, 6)),
    "volume": ("normal", (2, 4, 4, 4, 2)),
}


@st.composite
def graphs(draw: Draw, first: str = "") -> Draft:
    """Return a program of one to three inputs, the `first` of this kind, and some steps."""
    draft = Draft()
    kinds = [first or draw(st.sampled_from(sorted(INPUTS)))]
    kinds += draw(st.lists(st.just(kinds[0]) | st.sampled_from(sorted(INPUTS)), max_size=2))
    for kind in kinds:
        how, shape = INPUTS[kind]
        draft.input(
            how, shape, free=draw(st.integers(0, 5)) == 5, batch=draw(st.integers(0, 7)) == 7
        )
    for kind, made in zip(kinds, tuple(draft.tensors), strict=True):
        if kind == "masked":
            draft.layer("kl.Masking()", made.text)
        if kind == "tokens":
            _embedded(draw, draft, made)
    for _ in range(draw(st.integers(2, 10))):
        draw(st.sampled_from(STEPS))(draw, draft)
    unused = draft.unused()
    more = draw(st.sampled_from([[], [], [], [draft.tensors[-1]], draft.tensors[len(kinds) :][:1]]))
    draft.model([m.text for m in {m.text: m for m in [*unused[-4:], *more]}.values()])
    return draft


def _embedded(draw: Draw, draft: Draft, tokens: Made) -> None:
    """Embed tokens, with the table of other tokens sometimes; what is no token has no row."""
    known = [line.split()[0] for line in draft.lines if "Embedding" in line]
    if known and draw(st.booleans()):
        draft.tensor(f"{known[0]}({tokens.text})")
        return
    size, zero = draw(st.sampled_from((3, 4))), draw(st.booleans())
    draft.layer(f"kl.Embedding(9, {size}, mask_zero={zero})", tokens.text)
    draft.layers.pop()


def _pick(draw: Draw, found: Sequence[Made]) -> Made:
    """Return a tensor, most often a late one."""
    return found[-1 - min(draw(st.sampled_from((0, 0, 0, 1, 2, 3, 5))), len(found) - 1)]


def _floats(draft: Draft) -> list[Made]:
    return [m for m in draft.tensors if m.dtype.startswith("float")]


def _layer(draw: Draw, draft: Draft) -> None:
    found = _floats(draft)
    if not found:
        return
    x = _pick(draw, found)
    names = OF_RANK.get(len(x.shape), ()) + ANY_RANK * draw(st.sampled_from((1, 0)))
    if names:
        draft.layer(text(draw, draw(st.sampled_from(names)), x.shape), x.text)


def _operation(draw: Draw, draft: Draft) -> None:
    x = _pick(draw, draft.tensors)
    if len(x.shape) > 1:
        draft.tensor(draw(st.sampled_from(UNARY))(draw, x))


def _pair(draw: Draw, draft: Draft) -> None:
    x = _pick(draw, draft.tensors)
    fit = [m for m in draft.tensors if m.shape == x.shape] if draw(st.booleans()) else draft.tensors
    if len(x.shape) > 1:
        draft.tensor(paired(draw, x, _pick(draw, fit)))


def _merge(draw: Draw, draft: Draft) -> None:
    """Merge tensors of one shape, or of one rank: Keras refuses what does not fit."""
    x = _pick(draw, draft.tensors)
    alike = draw(st.booleans())
    fit = [
        m for m in draft.tensors if (m.shape == x.shape if alike else len(m.shape) == len(x.shape))
    ]
    parts = [x, *(_pick(draw, fit) for _ in range(draw(st.integers(1, 2))))]
    given = ", ".join(m.text for m in parts)
    draft.layer(text(draw, draw(st.sampled_from((*MERGES, "Dot"))), x.shape), f"[{given}]")


def _attention(draw: Draw, draft: Draft) -> None:
    found = [m for m in _floats(draft) if len(m.shape) == 3]
    if not found:
        return
    query, value = _pick(draw, found), _pick(draw, found)
    name = draw(st.sampled_from(("MultiHeadAttention", "Attention", "AdditiveAttention")))
    more = draw(st.sampled_from(("", ", use_causal_mask=True", ", return_attention_scores=True")))
    given = f"{query.text}, {value.text}"
    given = given if name == "MultiHeadAttention" else f"[{given}]"
    draft.layer(text(draw, name, query.shape), given + more)


def _initial_state(draw: Draw, draft: Draft) -> None:
    """Start a recurrent layer from tensors, as a decoder does."""
    found = [m for m in _floats(draft) if len(m.shape) == 3]
    states = [m for m in _floats(draft) if len(m.shape) == 2 and m.shape[-1]]
    if not found or not states:
        return
    x, state = _pick(draw, found), _pick(draw, states)
    fit = [m for m in states if m.shape == state.shape]
    kind = draw(st.sampled_from(("GRU", "LSTM", "SimpleRNN")))
    several = f"[{state.text}, {_pick(draw, fit).text}]" if kind == "LSTM" else state.text
    said = draw(st.sampled_from(("", ", return_sequences=True", ", return_state=True")))
    draft.layer(f"kl.{kind}({state.shape[-1]}{said})", f"{x.text}, initial_state={several}")


def _shared(draw: Draw, draft: Draft) -> None:
    """Call a layer or nested model again."""
    if draft.layers:
        layer = draw(st.sampled_from(draft.layers))
        draft.tensor(f"{layer}({_pick(draw, draft.tensors).text})")


def _nested(draw: Draw, draft: Draft) -> None:
    """Make a model of layers of its own and call it, Functional or Sequential."""
    found = _floats(draft)
    if not found:
        return
    x = _pick(draw, found)
    if None in x.shape[2:] or len(x.shape) < 2:
        return
    inner = Draft()
    inner.count = 100 * (draft.count + 1)
    inner.input("normal", (2, *(n or 2 for n in x.shape[1:])), free=False)
    for _ in range(draw(st.integers(1, 3))):
        draw(st.sampled_from((_layer, _layer, _operation)))(draw, inner)
    sequential = draw(st.booleans()) and not any("ops." in line for line in inner.lines)
    last = inner.tensors[-1].text
    name = draft.fresh("l")
    before = len(draft.lines)
    made = (
        f"keras.Sequential([{', '.join(inner.layers)}])"
        if sequential and inner.layers
        else (f"keras.Model({inner.tensors[0].text}, {last})")
    )
    whole = all(draft.add(line) for line in [*inner.lines, f"{name} = {made}"])
    if whole and draft.tensor(f"{name}({x.text})"):
        draft.layers.append(name)
    else:
        del draft.lines[before:]


Step = Callable[[Draw, Draft], None]
STEPS: tuple[Step, ...] = (
    _layer,
    _layer,
    _layer,
    _layer,
    _operation,
    _pair,
    _merge,
    _attention,
    _initial_state,
    _shared,
    _nested,
)
