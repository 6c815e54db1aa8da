"""Places of whole numbers in a vocabulary, and of strings that share a few where unknown."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from torchtwin.nn.adapting import encoded
from torchtwin.nn.hashing import bucket_of, of_each
from torchtwin.nn.text import WordLookup


class HashedWordLookup(WordLookup):
    """Finds strings in a vocabulary; others have one of `buckets` places, by their hash."""

    def __init__(self, size: int, *, buckets: int, key: Any = None, **options: Any) -> None:
        super().__init__(size, **options)
        self.buckets, self.key = buckets, key

    def unknown_place(self, word: str) -> int:
        return (self.unknown or 0) + bucket_of(word, self.buckets, self.key)


class NumberLookup(nn.Module):
    """Finds whole numbers in a vocabulary, whose places begin at `first`.

    Others have the place before, or one of `unknown` places, by their remainder; none is an
    error. `mask` is at 0, and counts nowhere in vectors: see `encoded`.
    """

    vocabulary: torch.Tensor
    idf_weights: torch.Tensor

    def __init__(self, size: int, first: int = 1, *, unknown: int = 1, mask: int | None = None,
                 mode: str = "int", depth: int = 0) -> None:  # fmt: skip
        super().__init__()
        self.first, self.unknown, self.mask = first, unknown, mask
        self.mode, self.depth = mode, depth
        self.register_buffer("vocabulary", torch.zeros(size, dtype=torch.int64))
        if mode == "tf_idf":
            self.register_buffer("idf_weights", torch.zeros(depth))

    def others(self, x: torch.Tensor) -> torch.Tensor:
        """Return the places of unknown numbers."""
        return self.first - self.unknown + x % self.unknown

    def places(self, x: torch.Tensor) -> torch.Tensor:
        words, order = self.vocabulary.sort()
        at = torch.searchsorted(words, x).clamp(max=len(words) - 1)
        found = words[at] == x
        if self.mask is not None:
            found = found | (x == self.mask)
        if self.unknown:
            places = torch.where(found, order[at] + self.first, self.others(x))
        elif found.is_meta or found.all():
            places = order[at] + self.first
        else:
            raise ValueError(f"{x[~found].tolist()} are not in the vocabulary")
        if self.mask is None:
            return places
        return torch.where(x == self.mask, 0 if self.mode == "int" else -1, places)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        places = self.places(x.long())
        if self.mode == "int":
            return places
        if self.mode == "tf_idf":
            return encoded(places, self.depth, "count") * self.idf_weights
        return encoded(places, self.depth, self.mode)


class HashedNumberLookup(NumberLookup):
    """NumberLookup in which the hash of an unknown number, as it is written, has its place."""

    def __init__(self, size: int, first: int = 1, *, key: Any = None, **options: Any) -> None:
        super().__init__(size, first, **options)
        self.key = key

    def others(self, x: torch.Tensor) -> torch.Tensor:
        buckets = of_each(lambda value: bucket_of(value, self.unknown, self.key), x)
        return self.first - self.unknown + buckets
