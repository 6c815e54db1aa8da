"""Vocabularies that are found in data: strings or whole numbers become places in them."""

from __future__ import annotations

import collections
import math
from itertools import islice

import numpy as np
import torch
from torch import nn

from torchtwin.nn.adapting import encoded
from torchtwin.nn.text import TextVectorizer


def plain(x):
    """Return strings or numbers, of an array or tensor too, as Python has them, in lists."""
    if torch.is_tensor(x) or isinstance(x, np.ndarray | np.generic):
        x = x.tolist()
    if isinstance(x, list | tuple):
        return [plain(part) for part in x]
    return x.decode() if isinstance(x, bytes) else x


def singles(x, steps=None):
    """Yield the strings or numbers in any structure of lists and batches, of so many batches."""
    x = plain(x)
    if isinstance(x, str | int | float):
        yield x
    else:
        for part in islice(x, steps):
            yield from singles(part)


class Vocabulary(nn.Module):
    """Finds the places of strings, or of whole numbers, in a vocabulary; all others are at one.

    `mask` comes first, then `unknown` where there is one. Mode "int" returns places; "one_hot",
    "multi_hot", "count" and "tf_idf" vectors. With `invert` places become what stands there.
    """

    def __init__(
        self,
        vocabulary=None,
        *,
        mask=None,
        unknown="[UNK]",
        has_unknown=True,
        max_tokens=None,
        mode="int",
        invert=False,
        pad=False,
        idf_weights=None,
    ):
        super().__init__()
        self.mask, self.unknown, self.max_tokens, self.pad = mask, unknown, max_tokens, pad
        self.mode, self.invert, self.idf = mode, invert, []
        first = [mask] if mask is not None and mode == "int" else []
        self.special = first + ([unknown] if has_unknown else [])
        self.unknown_at = len(first) if has_unknown else None
        self.words, self.index = list(self.special), {}
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    def set_vocabulary(self, vocabulary, idf_weights=None):
        """Take a vocabulary, with the special words in front or without them."""
        if isinstance(vocabulary, str):
            with open(vocabulary, encoding="utf-8") as lines:
                vocabulary = [line.rstrip("\n") for line in lines]
        words = plain(vocabulary)
        if words[: len(self.special)] == self.special:
            words = words[len(self.special) :]
        if len(set(words)) < len(words):
            raise ValueError("the vocabulary holds a word twice")
        if self.max_tokens is not None and len(words) + len(self.special) > self.max_tokens:
            raise ValueError(f"the vocabulary is larger than max_tokens={self.max_tokens}")
        self.words = [*self.special, *words]
        self.index = {word: place for place, word in enumerate(words, len(self.special))}
        if idf_weights is not None:
            weights = [float(w) for w in idf_weights]
            mean = sum(weights) / len(weights)
            self.idf = [mean] * (len(self.words) - len(weights)) + weights

    def get_vocabulary(self, include_special_tokens=True):
        """Return the words in their order."""
        return self.words if include_special_tokens else self.words[len(self.special) :]

    def vocabulary_size(self):
        """Return the number of words, the special ones among them."""
        return len(self.words)

    def adapt(self, data, batch_size=None, steps=None):
        """Make a vocabulary of what is in the data, what is there most often first."""
        self.learn([[word] for word in singles(data, steps)])

    def learn(self, documents):
        """Make a vocabulary of lists of words; of equally frequent ones the last come first."""
        counts = collections.Counter(word for words in documents for word in words)
        for word in (self.mask, self.unknown):
            del counts[word]
        order = sorted(
            counts,
            key=lambda w: (counts[w], w.encode() if isinstance(w, str) else w),
            reverse=True,
        )
        if self.max_tokens is not None:
            order = order[: self.max_tokens - len(self.special)]
        within = collections.Counter(word for words in documents for word in set(words))
        idf = [math.log(1 + len(documents) / (1 + within[word])) for word in order]
        self.set_vocabulary(order, idf if self.mode == "tf_idf" else None)

    def place(self, word):
        if word == self.mask and self.mask is not None:
            return 0 if self.mode == "int" else -1
        place = self.index.get(word, self.unknown_at)
        if place is None:
            raise ValueError(f"{word!r} is not in the vocabulary")
        return place

    def places(self, x):
        return [self.places(part) for part in x] if isinstance(x, list) else self.place(x)

    def words_at(self, x):
        if isinstance(x, list):
            return [self.words_at(part) for part in x]
        return self.words[x] if 0 <= x < len(self.words) else self.unknown

    def vectors(self, places):
        depth = self.max_tokens if self.pad else len(self.words)
        if self.mode != "tf_idf":
            return encoded(places, depth, self.mode)
        weights = torch.tensor(self.idf + [0.0] * (depth - len(self.idf)))
        return encoded(places, depth, "count") * weights.to(torch.get_default_dtype())

    def forward(self, x):
        if self.invert:
            return np.array(self.words_at(plain(x)))
        places = torch.tensor(self.places(plain(x)), dtype=torch.int64)
        return places if self.mode == "int" else self.vectors(places)


class TextVocabulary(Vocabulary):
    """Cleans text, splits it into words, and finds them in a vocabulary.

    In mode "int" texts are padded with zeros, or cut, to `length`: that of the longest where it
    is None. `cleaning` are options of a TextVectorizer.
    """

    def __init__(self, max_tokens=None, *, length=None, vocabulary=None, mode="int", pad=False,
                 idf_weights=None, **cleaning):  # fmt: skip
        super().__init__(
            vocabulary, mask="", max_tokens=max_tokens, mode=mode, pad=pad, idf_weights=idf_weights
        )
        self.length, self.cleaner = length, TextVectorizer(0, **cleaning)

    def documents(self, data, steps=None):
        return [self.cleaner.words(text) for text in singles(data, steps)]

    def adapt(self, data, batch_size=None, steps=None):
        """Make a vocabulary of the words in texts, the most frequent first."""
        self.learn(self.documents(data, steps))

    def forward(self, x):
        if isinstance(x, str | bytes):
            return self.forward([x])[0]
        rows = [self.places(words) for words in self.documents(x)]
        if self.mode != "int":
            return torch.stack([self.vectors(torch.tensor(r, dtype=torch.int64)) for r in rows])
        length = max(map(len, rows), default=0) if self.length is None else self.length
        padded = [(row + [0] * length)[:length] for row in rows]
        return torch.tensor(padded, dtype=torch.int64).reshape(len(rows), length)
