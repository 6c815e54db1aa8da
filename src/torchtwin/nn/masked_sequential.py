"""nn.Sequential that hands masks on."""

from __future__ import annotations

import inspect

from torch import nn


class MaskedSequential(nn.Sequential):
    """nn.Sequential in which the mask that a layer makes reaches those behind it.

    A layer whose `forward` takes `mask` is given it. `compute_mask` of a layer, or the mask that
    it keeps as `output_mask`, is that of its result; behind the places `stops` there is none. The
    mask of the last result is kept as `output_mask`.
    """

    def __init__(self, *modules, stops=()):
        super().__init__(*modules)
        self.stops, self.output_mask = tuple(stops), None

    def forward(self, x, mask=None):
        for k, module in enumerate(self):
            takes = mask is not None and "mask" in inspect.signature(module.forward).parameters
            y = module(x, mask=mask) if takes else module(x)
            if k in self.stops:
                mask = None
            elif hasattr(module, "compute_mask"):
                mask = module.compute_mask(x, mask)
            else:
                mask = getattr(module, "output_mask", mask)
            x = y
        self.output_mask = mask
        return x
