"""Changes of images that are drawn from a list of them."""

from __future__ import annotations

import torch
from torch import nn

from torchtwin.nn.augment import RandomImages, bounds_of
from torchtwin.nn.histogram import AutoContrast, Equalization
from torchtwin.nn.recolor import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomPosterization,
    RandomSharpness,
    Solarization,
)
from torchtwin.nn.warp import RandomRotation, RandomShear, RandomTranslation


class RandAugment(RandomImages):
    """Changes a whole batch by some of eleven kinds of changes, one after another."""

    casts = True

    def __init__(self, value_range=(0, 255), count=2, factor=0.5, interpolation="bilinear",
                 dims=(2, 3), **options):  # fmt: skip
        super().__init__(**options)
        self.count = count
        factor = bounds_of(factor, 0.0)
        self.kinds = nn.ModuleList([
            RandomShear(factor, factor, interpolation=interpolation),
            RandomTranslation(factor, factor, interpolation=interpolation),
            RandomRotation(factor, interpolation=interpolation),
            RandomBrightness(factor, value_range),
            RandomColorDegeneration(factor, value_range),
            RandomContrast(factor, value_range),
            RandomSharpness(factor, value_range),
            RandomPosterization(max(1, int(8 * factor[1])), value_range),
            Solarization(factor, factor, value_range),
            AutoContrast(value_range, dims),
            Equalization(value_range),
        ])  # fmt: skip

    def draw(self, x):
        """Return the numbers of the kinds to use, and what every kind has drawn."""
        used = torch.randint(len(self.kinds), (self.count,)).tolist()
        return used, [kind.draw(x) for kind in self.kinds]

    def change(self, x, drawn):
        used, numbers = drawn
        for k in used:
            x = self.kinds[k].change(x, numbers[k])
        return x


class AugMix(RandomImages):
    """Mixes images with what chains of changes make of them."""

    def __init__(self, value_range=(0, 255), chains=3, depth=3, factor=0.3, alpha=1.0,
                 all_kinds=True, interpolation="bilinear", dims=(2, 3), **options):  # fmt: skip
        super().__init__(**options)
        self.chains, self.depth, self.alpha = chains, depth, float(alpha)
        self.value_range = value_range
        factor = bounds_of(factor, 0.0)
        self.kinds = nn.ModuleList([
            RandomShear(factor, factor, interpolation=interpolation),
            RandomTranslation(factor, factor, interpolation=interpolation),
            RandomRotation(factor, interpolation=interpolation),
            RandomPosterization(max(1, int(8 * factor[1])), value_range),
            Solarization(factor, factor, value_range),
            AutoContrast(value_range, dims),
            Equalization(value_range),
        ])  # fmt: skip
        if all_kinds:
            self.kinds.extend([
                RandomBrightness(factor, value_range),
                RandomColorDegeneration(factor, value_range),
                RandomContrast(factor, value_range),
                RandomSharpness(factor, value_range),
            ])  # fmt: skip

    def draw(self, x):
        """Return the weights of the chains, the share of the images themselves, and the chains.

        A chain is a list of the numbers of kinds, and what they have drawn.
        """
        alpha = torch.full((self.chains,), self.alpha, dtype=x.dtype, device=x.device)
        chains = []
        for _ in range(self.chains):
            numbers = torch.randint(len(self.kinds) + 1, (self.depth,)).tolist()
            chains.append([(k, self.kinds[k].draw(x)) for k in numbers if k < len(self.kinds)])
        return (
            torch.distributions.Dirichlet(alpha).sample(),
            torch.distributions.Beta(alpha[0], alpha[0]).sample(),
            chains,
        )

    def change(self, x, drawn):
        weights, share, chains = drawn
        mixed = torch.zeros_like(x)
        for weight, chain in zip(weights, chains, strict=True):
            y = x
            for k, numbers in chain:
                y = self.kinds[k].change(y, numbers)
            mixed = mixed + weight * y
        return (share * x + (1 - share) * mixed).clamp(*self.value_range)
