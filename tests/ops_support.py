"""Runs operations as the source of a program has them: tensors known by name only.

Each row is a call of a function of Keras. It is computed in Keras, and by the printed expression of
the operation: once with its plain arguments written out, once with all of them as names.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from cases import FLOAT32, FLOAT64, keras_operation
from torchtwin.emit.expressions import printed
from torchtwin.emit.helpers import mentioned
from torchtwin.errors import UnsupportedError
from torchtwin.expr import Source
from torchtwin.ops.registry import load_operations
from torchtwin.view import Tensor

MIXED = ("SparseCategoricalCrossentropy",)
"""Operations in which Keras on JAX makes constants of float64 where that is allowed."""
DTYPES = ("float32", "float64", "int32", "int64", "bool")


def check_call(name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> bool:
    """Compare one operation with Keras; return whether it takes computed arguments too."""
    wanted = keras_operation(name)(*args, **kwargs)
    return check_made(load_operations()[name], args, kwargs, wanted, mixed=name in MIXED)


def check_made(
    made: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], wanted: Any,
    *, mixed: bool = False,
) -> bool:  # fmt: skip
    """Compare what a function of arguments prints; return whether they may be computed."""
    floats = [x.dtype for x in arrays([*args, *kwargs.values()]) if x.dtype.kind == "f"]
    beside = bool(floats) and not mixed
    compare_values(ran(made, args, kwargs, computed=False), wanted, exact=beside)
    try:
        got = ran(made, args, kwargs, computed=True)
    except (UnsupportedError, TypeError, ValueError, RuntimeError, IndexError):
        return False  # refused, or stopped by PyTorch when it runs: never another result
    compare_values(got, wanted, exact=beside)
    return True


def ran(
    made: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any], *, computed: bool
) -> Any:
    """Return what the printed expression of an operation gives."""
    values: dict[str, Any] = {}

    def given(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            word = f"x{len(values)}"
            values[word] = torch.from_numpy(value)
            return Tensor(Source(word), (), "", known=False)
        if callable(value):
            values[f"f{len(values)}"] = value
            return Source(f"f{len(values) - 1}")
        if isinstance(value, list | tuple) and (arrays(value) or any(map(callable, value))):
            return type(value)(given(v) for v in value)
        if not computed or value is None:
            return value
        word = f"p{len(values)}"
        values[word] = (
            getattr(torch, value) if isinstance(value, str) and value in DTYPES else value
        )
        return Source(word)

    expr = made([given(v) for v in args], {k: given(v) for k, v in kwargs.items()})
    helpers = {helper.__name__: helper for helper in mentioned(expr)}
    scope = {"torch": torch, "F": F, "nn": nn, "math": math, **helpers, **values}
    return eval(printed(expr), scope)


def arrays(value: Any) -> list[np.ndarray]:
    """Return the arrays in a structure of lists."""
    if isinstance(value, list | tuple):
        return [array for part in value for array in arrays(part)]
    return [value] if isinstance(value, np.ndarray) else []


def compare_values(got: Any, wanted: Any, *, exact: bool = True) -> None:
    """Compare structures of tensors: counts, shapes, dtypes, then values.

    Without `exact` only the kind of dtype counts: what is made of numbers alone has float64 in
    JAX, which the tests allow to have it.
    """
    if isinstance(wanted, list | tuple):
        assert isinstance(got, list | tuple), type(got)
        assert len(got) == len(wanted)
        for mine, theirs in zip(got, wanted, strict=True):
            compare_values(mine, theirs, exact=exact)
        return
    mine = got.detach().numpy() if torch.is_tensor(got) else np.asarray(got)
    theirs = np.asarray(wanted)
    assert mine.shape == theirs.shape, (mine.shape, theirs.shape)
    alike = mine.dtype.kind == theirs.dtype.kind and (not exact or mine.dtype.kind == "i")
    assert mine.dtype == theirs.dtype or alike, (mine.dtype, theirs.dtype)
    if not theirs.size:
        return
    finite = np.isfinite(theirs) if theirs.dtype.kind in "fc" else np.ones(theirs.shape, bool)
    np.testing.assert_array_equal(mine[~finite], theirs[~finite])
    scale = max(1.0, float(np.abs(theirs[finite]).max(initial=0.0)))
    precise = mine.dtype in (np.float64, np.complex128)
    tolerance = FLOAT64 if precise else FLOAT32
    np.testing.assert_allclose(mine[finite], theirs[finite], rtol=0, atol=tolerance * scale)
