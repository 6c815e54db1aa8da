"""nn.Sequential that hands masks on."""

from __future__ import annotations

import inspect

from torch import nn


class MaskedSequential(nn.Sequential):
    """nn.Sequential in which the mask that a layer makes reaches those behind it.

    A layer whose `forward` takes `mask` is given it; `compute_mask` of a layer tells what becomes
    of it. Behind any other layer it stays as long as the steps stay, but not behind one that mixes
    them: a convolution, a pooling, what rearranges axes.
    """

    MIXES = ("Conv", "Pool", "Flatten", "Reshape", "Permute", "Pad", "Crop", "Upsample", "Repeat")

    def forward(self, x, mask=None):
        for module in self:
            takes = "mask" in inspect.signature(module.forward).parameters
            y = module(x, mask=mask) if takes and mask is not None else module(x)
            mask = self.behind(module, x, y, mask)
            x = y
        return x

    def behind(self, module, x, y, mask):
        """Return the mask of what a layer gives."""
        if hasattr(module, "compute_mask"):
            return module.compute_mask(x, mask)
        if mask is None or any(word in type(module).__name__ for word in self.MIXES):
            return None
        return mask if y.shape[:2] == x.shape[:2] else None
