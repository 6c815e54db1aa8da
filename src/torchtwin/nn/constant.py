"""Tensors that a model holds and does not train."""

from __future__ import annotations

import torch
from torch import nn


class Constant(nn.Module):
    """Holds `value`, a tensor that is part of the model and not trained."""

    def __init__(self, shape: tuple[int, ...], dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.register_buffer("value", torch.zeros(shape, dtype=dtype))


class Constants(nn.Module):
    """Holds `value_0`, `value_1` and so on, tensors that are part of the model and not trained."""

    def __init__(self, *shapes: tuple[int, ...], dtypes: tuple[torch.dtype, ...]) -> None:
        super().__init__()
        for k, (shape, dtype) in enumerate(zip(shapes, dtypes, strict=True)):
            self.register_buffer(f"value_{k}", torch.zeros(shape, dtype=dtype))
