"""Names of Keras and TensorFlow that a program uses without calling them."""

from __future__ import annotations

from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Call, Expr, Source
from torchtwin.nn.reductions import max_along, mean_along, min_along, sum_along
from torchtwin.ops.functions import operation_for
from torchtwin.translate.activation import module_with_activation
from torchtwin.translate.builtin import general
from torchtwin.translate.initial import initial_function
from torchtwin.translate.program import Program
from torchtwin.translate.registry import constructor_of
from torchtwin.translate.values import dtype_named
from torchtwin.view import LayerView, Tensor

VALUES = {
    "tf.newaxis": "None",
    "tf.keras.backend.epsilon": "1e-7",
    "keras.__version__": '"3"',
    "tf.__version__": "torch.__version__",
    "tf.version.VERSION": "torch.__version__",
}

REDUCTIONS: dict[str, Any] = {
    "mean": mean_along, "sum": sum_along, "max": max_along, "min": min_along,
}  # fmt: skip
HOMES = ("tf", "tf.math", "keras.ops", "keras.backend")


def reference(program: Program, name: str) -> Expr | None:
    """Return what a canonical name is in PyTorch: a dtype, or a function of one tensor.

    Returns None for what is part of a longer name.
    """
    dtype = dtype_named(name)
    if dtype is not None:
        if not isinstance(getattr(torch, dtype, None), torch.dtype):
            raise UnsupportedError(f"PyTorch has no dtype {dtype}")
        return Source(f"torch.{dtype}")
    if name in VALUES:
        return Source(VALUES[name])
    if name.startswith("keras.layers.") and (made := _maker(program, name)) is not None:
        return made
    if name.rpartition(".")[2][:1].isupper() or name.count(".") == 0:
        raise UnsupportedError(f"{name} is not translated here")
    home, _, last = name.rpartition(".")
    if home in HOMES and (reduction := REDUCTIONS.get(last.removeprefix("reduce_"))) is not None:
        return Source(program.name_of(reduction))
    x = Source("x")
    made = operation_for(name, [Tensor(x, (), "", known=False)], {})
    if isinstance(made, Call) and made.args == (x,) and not made.kwargs:
        from torchtwin.emit.expressions import is_helper, qualified

        if is_helper(made.function):
            program.helpers[made.function.__name__] = made.function
        return Source(qualified(made.function))
    return Source(f"lambda x: {program.text(made)}", -1)


def _maker(program: Program, name: str) -> Expr | None:
    """Return what makes layers of a class that is given as a value: called as Keras's is.

    Where no class of ours takes Keras's arguments, what makes the layer takes none.
    """
    cls = general(name)
    if cls is not None:
        return Source(program.name_of(cls))
    last = name.rpartition(".")[2]
    rule = constructor_of(last)
    if rule is None:
        return None
    made = rule(LayerView(last, {}, []))
    return (
        None
        if made is None
        else Source(f"lambda: {program.text(module_with_activation(made))}", -1)
    )


def default(program: Program, name: str) -> Expr | None:
    """Return what a parameter's default is: classes of layers and initialisers too.

    What the parameter is given is called with Keras's arguments, so the default has to take them.
    """
    if name.startswith("keras.initializers."):
        return initial_function(name.rpartition(".")[2])  # type: ignore[no-any-return]
    cls = general(name)
    return reference(program, name) if cls is None else Source(program.name_of(cls))
