"""Operations that change the dtype of a tensor, or nothing but what it is."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr, Field, call
from torchtwin.ops.registry import ANY, op
from torchtwin.ops.values import constant, flattened, is_number, kind, tensor, torch_type
from torchtwin.rule import Case
from torchtwin.view import Tensor

CASTS = {"float32": "float", "float64": "double", "float16": "half", "bfloat16": "bfloat16",
         "int32": "int", "int64": "long", "bool": "bool"}  # fmt: skip


@op("Cast", layout=ANY, cases=[Case({"dtype": "int32"}, (2, 3))])
def cast(x: Any, dtype: Any) -> Any:
    if isinstance(x, list | tuple) or is_number(x):
        return constant(x, dtype=None if isinstance(dtype, Expr) else dtype).expr
    if isinstance(x, Expr):  # a tensor, or a number such as the length of an axis
        return call(torch.as_tensor, x, dtype=torch_type(dtype))
    if isinstance(dtype, str) and dtype == x.dtype:
        return x.expr
    if isinstance(dtype, str) and dtype in CASTS:
        return getattr(x.expr, CASTS[dtype])()
    return x.expr.to(torch_type(dtype))


@op("ConvertToTensor", layout=ANY, cases=[Case({}, (2, 3))])
def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    if sparse or ragged:
        raise UnsupportedError("sparse and ragged tensors are not translated")
    if isinstance(x, Tensor):
        return x.expr if dtype is None else cast(x, dtype)
    if isinstance(x, Expr):
        return call(torch.as_tensor, x, **kind(dtype))
    if all(is_number(v) for v in flattened(x)) and not isinstance(dtype, Expr):
        return constant(x, dtype=dtype).expr
    return call(torch.as_tensor, tensor(x).expr, **kind(dtype))


@op("SaturateCast", layout=ANY, cases=[Case({"dtype": "uint8"}, (2, 3))])
def saturate_cast(x: Any, dtype: Any) -> Any:
    """Numbers beyond the dtype become its least or largest that the tensor's own dtype has."""
    if isinstance(dtype, Expr):
        raise UnsupportedError("saturate_cast to a dtype that the program computes")
    x, wanted = tensor(x), torch_type(dtype)
    own = torch_type(x.dtype or "float32")
    if own in (torch.bool, torch.uint16, torch.uint32):  # PyTorch clamps none of them
        own, x = torch.int64, Tensor(x.expr.long(), x.shape, "int64")
    within = x.expr.clamp(_limit(own, wanted, "min"), _limit(own, wanted, "max"))
    return within if own == wanted else within.to(wanted)


def _limit(own: torch.dtype, wanted: torch.dtype, end: str) -> float:
    """Return the least or the largest number that two dtypes both have."""
    ends = [getattr(_numbers(kind), end) for kind in (own, wanted)]
    nearest = max(ends) if end == "min" else min(ends)
    if not own.is_floating_point:
        return int(nearest)
    limit = torch.tensor(nearest, dtype=own)
    if abs(limit.item()) > abs(nearest):  # 2147483647 is 2147483648 in float32
        limit = torch.nextafter(limit, torch.zeros((), dtype=own))
    return float(limit)


def _numbers(kind: torch.dtype) -> Any:
    if kind == torch.bool:
        return SimpleNamespace(min=0, max=1)
    return torch.finfo(kind) if kind.is_floating_point else torch.iinfo(kind)


@op("View")
def view(x: Any, dtype: Any = None) -> Any:
    return tensor(x).expr if dtype is None else tensor(x).expr.view(torch_type(dtype))


@op("Array", layout=ANY)
def array(x: Any, dtype: Any = None) -> Any:
    return convert_to_tensor(x, dtype)


@op("Copy", layout=ANY, cases=[Case({}, (2, 3))])
def copy(x: Any) -> Any:
    return tensor(x).expr.clone()


@op("StopGradient", layout=ANY, cases=[Case({}, (2, 3))])
def stop_gradient(variable: Any) -> Any:
    return tensor(variable).expr.detach()


@op("ConvertToNumpy", layout=ANY)
def convert_to_numpy(x: Any) -> Any:
    return tensor(x).expr.detach().cpu().numpy()


@op("IsTensor", layout=ANY)
def is_tensor(x: Any) -> Any:
    return call(torch.is_tensor, tensor(x).expr)


@op("Dtype", layout=ANY)
def dtype_(x: Any) -> Any:
    return Field(tensor(x).expr, "dtype")
