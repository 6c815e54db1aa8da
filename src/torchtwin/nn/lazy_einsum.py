"""Linear maps between chosen axes, sized at their first input."""

from __future__ import annotations

import math

import torch
from torch import nn

from torchtwin.nn.initial import ScaledVariance, glorot_uniform
from torchtwin.nn.lazy import LazyModule


class LazyEinsum(LazyModule):
    """torch.einsum of the input and a weight, with a bias along the axes `bias_axes`.

    `output_shape` has the lengths behind the first axis of the result, or, where the equation
    begins with dots, the last ones; None is a length that the input decides.
    """

    def __init__(
        self, equation, output_shape, bias_axes=None, weight_init=None, bias_init=torch.zeros
    ):
        super().__init__()
        self.equation = equation.replace(" ", "")
        self.output_shape = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.bias_axes, self.bias_init = bias_axes, bias_init
        self.weight_init = weight_init or glorot_uniform

    def build(self, input_shape):
        inputs, made = self.equation.split("->")
        given, kernel = inputs.split(",")
        left, right = given.startswith("..."), given.endswith("...")
        given, made = given.strip("."), made.strip(".")
        rank, behind = len(given), len(input_shape) - len(given) if right else 0
        lengths = dict(zip(given, input_shape[-rank:] if left else input_shape, strict=False))
        wanted = self.output_shape
        step, first = (-1, 0) if left else (1, 1)
        pairs = zip(made[first::step], wanted[::step], strict=False)
        lengths |= {name: n for name, n in pairs if n is not None}
        dtype = torch.get_default_dtype()
        shape = [lengths[name] for name in kernel]
        self.weight = nn.Parameter(self.first(kernel, made, shape).to(dtype))
        self.bias = None
        if self.bias_axes:
            first = min(made.index(name) for name in self.bias_axes)
            ones = {name: 1 for name in made if name not in self.bias_axes}
            shape = [{**lengths, **ones}[name] for name in made[first:]] + [1] * behind
            self.bias = nn.Parameter(self.bias_init(tuple(shape), dtype=dtype))

    def first(self, kernel, made, shape):
        """Return the first weight. What scales with the fans takes those of the equation."""
        draw = self.weight_init
        if draw is not glorot_uniform and not isinstance(draw, ScaledVariance):
            return draw(tuple(shape), dtype=torch.get_default_dtype())
        out = math.prod(n for name, n in zip(kernel, shape, strict=True) if name in made)
        return draw((math.prod(shape) // out, out)).view(shape)

    def forward(self, x):
        x = torch.einsum(self.equation, x, self.weight)
        return x if self.bias is None else x + self.bias
