"""Arguments of Keras's metrics as arguments of parts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from torchtwin.errors import UnsupportedError
from torchtwin.expr import Expr

DTYPES = ("float16", "bfloat16", "float32", "float64", "int32", "int64")


def arguments(name: str, config: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments under the names that a part has for them."""
    given = {k: plain(v) for k, v in config.items() if k not in ("name", "dtype")}
    for key in given:
        if key not in renamed:
            raise UnsupportedError(f"{name}({key}=…) is not translated")
    return {renamed[key]: value for key, value in given.items()}


def plain(value: Any) -> Any:
    """Return the numbers of a tensor that Keras wrote into a config."""
    if isinstance(value, Mapping) and value.get("class_name") == "__tensor__":
        return value["config"]["value"]
    return list(value) if isinstance(value, tuple) else value


def one_of(name: str, key: str, value: Any, *allowed: Any) -> Any:
    if value not in allowed:
        raise UnsupportedError(f"{name}({key}={value!r}): expected one of {allowed}")
    return value


def with_dtype(constructor: Expr, config: Mapping[str, Any], default: str) -> Expr:
    """Return the constructor of a metric that sums in the dtype that the config names."""
    dtype = config.get("dtype") or default
    if dtype == default:
        return constructor
    if dtype not in DTYPES:
        raise UnsupportedError(f"a metric of dtype {dtype!r} is not translated")
    return constructor.set_dtype(getattr(torch, dtype))
