"""Operations between layers: texts of calls of keras.ops, operators and slices on tensors."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import strategies as st

from drawn.draft import Draw, Made

ELEMENTWISE = (
    "abs",
    "ceil",
    "cos",
    "elu",
    "exp",
    "expm1",
    "floor",
    "gelu",
    "hard_sigmoid",
    "hard_tanh",
    "isfinite",
    "leaky_relu",
    "log1p",
    "log_sigmoid",
    "logical_not",
    "negative",
    "reciprocal",
    "relu",
    "relu6",
    "rint",
    "round",
    "rsqrt",
    "selu",
    "sigmoid",
    "sign",
    "silu",
    "sin",
    "softplus",
    "softsign",
    "sqrt",
    "square",
    "tanh",
    "tanh_shrink",
    "zeros_like",
    "ones_like",
)
REDUCING = (
    "all",
    "amax",
    "amin",
    "any",
    "count_nonzero",
    "logsumexp",
    "max",
    "mean",
    "median",
    "min",
    "prod",
    "std",
    "sum",
    "var",
)
ALONG = (
    "argmax",
    "argmin",
    "argsort",
    "cumprod",
    "cumsum",
    "flip",
    "log_softmax",
    "softmax",
    "sort",
)
TWO = (
    "add",
    "arctan2",
    "divide",
    "equal",
    "floor_divide",
    "greater",
    "less_equal",
    "logaddexp",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "not_equal",
    "power",
    "subtract",
)
OPERATORS = ("+", "-", "*", "/", ">", "<=", "**", "//", "%")


def axis(draw: Draw, x: Made, first: int = 1) -> int:
    """Return an axis, from the front or the back; the batch only for a `first` of 0."""
    rank = len(x.shape)
    place = draw(st.integers(first, max(rank - 1, first)))
    return place - rank if draw(st.booleans()) else place


def elementwise(draw: Draw, x: Made) -> str:
    return f"ops.{draw(st.sampled_from(ELEMENTWISE))}({x.text})"


def reducing(draw: Draw, x: Made) -> str:
    name, keep = draw(st.sampled_from(REDUCING)), draw(st.booleans())
    axes = [axis(draw, x) for _ in range(draw(st.integers(1, 2)))]
    which = axes[0] if len(axes) == 1 else tuple(axes)
    return f"ops.{name}({x.text}, axis={which}{', keepdims=True' if keep else ''})"


def along(draw: Draw, x: Made) -> str:
    return f"ops.{draw(st.sampled_from(ALONG))}({x.text}, axis={axis(draw, x)})"


def operator(draw: Draw, x: Made) -> str:
    number = draw(st.sampled_from((2.0, 0.5, 3, -1.5)))
    sign = draw(st.sampled_from(OPERATORS))
    left = draw(st.booleans()) and sign != "**"
    return f"{number} {sign} {x.text}" if left else f"{x.text} {sign} {number}"


def sliced(draw: Draw, x: Made) -> str:
    """Return a subscript: numbers, slices with steps, new axes, an ellipsis."""
    parts = [":"]
    for length in x.shape[1:]:
        size = length or 2
        kind = draw(st.sampled_from((":", "one", "from", "to", "step", "back")))
        k = draw(st.integers(0, size - 1))
        parts.append(
            {
                "one": f"{k}",
                "from": f"{k}:",
                "to": f":{k + 1}",
                "step": f"{k}::2",
                "back": "::-1",
            }.get(kind, ":")
        )
    if draw(st.integers(0, 3)) == 3:
        parts.insert(draw(st.integers(1, len(parts))), "None")
    if draw(st.integers(0, 3)) == 3:
        parts = ["...", *parts[-1:]]
    return f"{x.text}[{', '.join(parts)}]"


def rearranged(draw: Draw, x: Made) -> str:
    """Return an operation that moves elements, or copies them."""
    rank = len(x.shape)
    k, other, n = axis(draw, x), axis(draw, x), draw(st.integers(1, 3))
    order = [0, *draw(st.permutations(range(1, rank)))]
    pad = [(0, 0), *[draw(st.tuples(*[st.integers(0, 2)] * 2)) for _ in range(rank - 1)]]
    mode = draw(st.sampled_from(("constant", "reflect", "symmetric", "edge")))
    return draw(
        st.sampled_from(
            (
                f"ops.transpose({x.text}, {tuple(order)})",
                f"ops.swapaxes({x.text}, {k}, {other})",
                f"ops.moveaxis({x.text}, {k}, {other})",
                f"ops.expand_dims({x.text}, {k})",
                f"ops.squeeze({x.text}, {k})",
                f"ops.repeat({x.text}, {n}, axis={k})",
                f"ops.roll({x.text}, {n}, axis={k})",
                f"ops.tile({x.text}, {(1,) * (rank - 1) + (n,)})",
                f"ops.pad({x.text}, {pad}, {mode!r})",
                f"ops.take({x.text}, [0, {n - 1}], axis={k})",
                f"ops.split({x.text}, {n}, axis={k})",
                f"ops.unstack({x.text}, axis={k})",
                f"ops.diff({x.text}, axis={k})",
                f"ops.clip({x.text}, -0.5, {n}.0)",
                f"ops.cast({x.text}, 'int32')",
                f"ops.cast({x.text}, 'bool')",
                f"ops.tril({x.text})",
                f"ops.top_k({x.text}, {n})",
                f"ops.nan_to_num({x.text})",
                f"ops.norm({x.text}, axis={k})",
                f"ops.reshape({x.text}, (-1, {n * 2}))",
                f"ops.one_hot(ops.argmax({x.text}, axis={k}), 4)",
            )
        )
    )


def paired(draw: Draw, x: Made, y: Made) -> str:
    """Return an operation of two tensors that may broadcast or be joined."""
    name, k, sign = draw(st.sampled_from(TWO)), axis(draw, x), draw(st.sampled_from(OPERATORS))
    return draw(
        st.sampled_from(
            (
                f"ops.{name}({x.text}, {y.text})",
                f"{x.text} {sign} {y.text}",
                f"ops.concatenate([{x.text}, {y.text}], axis={k})",
                f"ops.stack([{x.text}, {y.text}], axis={k})",
                f"ops.where({x.text} > 0, {x.text}, {y.text})",
                f"ops.matmul({x.text}, {y.text})",
                f"ops.matmul({x.text}, ops.swapaxes({y.text}, -1, -2))",
                f"ops.einsum('b...i,b...i->b...', {x.text}, {y.text})",
            )
        )
    )


UNARY: tuple[Callable[[Draw, Made], str], ...] = (
    elementwise,
    reducing,
    along,
    operator,
    sliced,
    rearranged,
)
