"""Tensors that run from one value to another."""

from __future__ import annotations

from typing import Any

import torch


def linear_between(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0
) -> torch.Tensor:
    """Return `num` values from `start` to `stop`, numbers or tensors, along a new axis.

    torch.linspace takes numbers, and always has `stop` among its values.
    """
    start, stop = (torch.as_tensor(end, device=device_of(start, stop)) for end in (start, stop))
    dtype = torch.result_type(start * 1.0, stop * 1.0)
    start, stop = torch.broadcast_tensors(start.to(dtype), stop.to(dtype))
    steps = torch.arange(num, dtype=dtype, device=start.device)
    steps = steps / max(num - 1 if endpoint else num, 1)
    line = torch.lerp(start[..., None], stop[..., None], steps)
    return line.movedim(-1, axis)


def geometric_between(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, axis: int = 0
) -> torch.Tensor:
    """Return `num` values from `start` to `stop`, each the same multiple of the one before."""
    start, stop = (torch.as_tensor(end, device=device_of(start, stop)) for end in (start, stop))
    sign = torch.sign(start)
    first, last = torch.log(start * sign * 1.0), torch.log(stop * sign * 1.0)
    line = torch.exp(linear_between(first, last, num, endpoint))
    return (sign * line).movedim(0, axis)


def device_of(*values: Any) -> Any:
    """Return where the tensors among values lie, None where there is none."""
    return next((v.device for v in values if torch.is_tensor(v)), None)
