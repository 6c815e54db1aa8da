"""Text as input: strings become places in a vocabulary, or vectors over it."""

from __future__ import annotations

import json
from typing import Any

import torch
from torch import nn


class WordLookup(nn.Module):
    """Finds strings in a vocabulary; all others are at `unknown`, or an error where it is None.

    The vocabulary is a buffer that holds a JSON list in UTF-8. `mode` "int" returns places;
    "multi_hot", "count" and "tf_idf" return one vector of length `depth` for each row of
    strings, in which `mask` does not count.
    """

    vocabulary: torch.Tensor
    one: torch.Tensor
    idf_weights: torch.Tensor

    def __init__(
        self,
        size: int,
        unknown: int | None = 0,
        mode: str = "int",
        depth: int = 0,
        mask: str | None = None,
    ) -> None:
        super().__init__()
        self.unknown, self.mode, self.depth, self.mask = unknown, mode, depth, mask
        self.index: dict[str, int] = {}
        self.register_buffer("vocabulary", torch.zeros(size, dtype=torch.uint8))
        self.register_buffer("one", torch.ones(()), persistent=False)  # has the vectors' dtype
        if mode == "tf_idf":
            self.register_buffer("idf_weights", torch.zeros(depth))

    def _load_from_state_dict(self, *args: Any) -> None:
        super()._load_from_state_dict(*args)
        self.index = {}

    def place(self, word: str) -> int:
        if not self.index:
            words = json.loads(bytes(self.vocabulary.tolist()))
            self.index = {word: place for place, word in enumerate(words)}
        place = self.index.get(word)
        return self.unknown_place(word) if place is None else place

    def unknown_place(self, word: str) -> int:
        if self.unknown is None:
            raise ValueError(f"{word!r} is not in the vocabulary")
        return self.unknown

    def places(self, x: Any) -> Any:
        return self.place(x) if isinstance(x, str) else [self.places(part) for part in x]

    def vectors(self, rows: list[list[str]]) -> torch.Tensor:
        found = [(k, self.place(w)) for k, row in enumerate(rows) for w in row if w != self.mask]
        where = torch.tensor(found, dtype=torch.int64, device=self.one.device).reshape(-1, 2)
        counts = self.one.new_zeros(len(rows), self.depth)
        counts = counts.index_put(where.unbind(1), self.one, accumulate=True)
        if self.mode == "tf_idf":
            return counts * self.idf_weights
        return counts.clamp(max=1) if self.mode == "multi_hot" else counts

    def forward(self, x: list[Any]) -> torch.Tensor:
        if self.mode == "int":
            return torch.tensor(self.places(x), dtype=torch.int64, device=self.vocabulary.device)
        return self.vectors([[row] if isinstance(row, str) else row for row in x])


class TextVectorizer(WordLookup):
    """Cleans text, splits it into words, and looks them up.

    Takes a list of strings, or of rows of strings. In mode "int" rows are padded with zeros, or
    cut, to `length`: that of the longest row where it is None.
    """

    def __init__(
        self,
        size: int,
        *,
        standardize: str | None = "lower_and_strip_punctuation",
        split: str | None = "whitespace",
        ngrams: tuple[int, ...] = (),
        length: int | None = None,
        mode: str = "int",
        depth: int = 0,
    ) -> None:
        super().__init__(size, 1 if mode == "int" else 0, mode, depth, mask="")
        self.split, self.ngrams, self.length = split, ngrams, length
        self.cleaning: dict[int, Any] = {}
        if standardize in ("lower", "lower_and_strip_punctuation"):
            self.cleaning |= {k: k + 32 for k in range(ord("A"), ord("Z") + 1)}  # ASCII alone
        if standardize in ("strip_punctuation", "lower_and_strip_punctuation"):
            self.cleaning |= dict.fromkeys(map(ord, "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"))

    def words(self, text: str) -> list[str]:
        text = text.translate(self.cleaning)
        words = [text] if self.split is None else list(text)
        if self.split == "whitespace":
            spaces = dict.fromkeys(map(ord, "\t\n\v\f\r"), " ")  # those of Unicode do not split
            words = [word for word in text.translate(spaces).split(" ") if word]
        if not self.ngrams:
            return words
        return [" ".join(words[k : k + n]) for n in self.ngrams for k in range(len(words) - n + 1)]

    def forward(self, x: list[Any]) -> torch.Tensor:
        texts = [[row] if isinstance(row, str) else row for row in x]
        rows = [[word for text in row for word in self.words(text)] for row in texts]
        if self.mode != "int":
            return self.vectors(rows)
        length = max(map(len, rows), default=0) if self.length is None else self.length
        padded = [(self.places(row[:length]) + [0] * length)[:length] for row in rows]
        tensor = torch.tensor(padded, dtype=torch.int64, device=self.vocabulary.device)
        return tensor.reshape(len(rows), length)
