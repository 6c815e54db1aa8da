"""Functions of keras.utils on arrays."""

from __future__ import annotations

import random

import numpy as np
import torch


def to_categorical(x, num_classes=None):
    """Return class numbers as one-hot rows; a last axis of length 1 is dropped."""
    x = np.array(x, dtype="int64")
    shape = x.shape[:-1] if x.ndim > 1 and x.shape[-1] == 1 else x.shape
    classes = num_classes or np.max(x) + 1
    rows = np.zeros((x.size, classes))
    rows[np.arange(x.size), x.reshape(-1)] = 1
    return rows.reshape((*shape, classes))


def pad_sequences(
    sequences, maxlen=None, dtype="int32", padding="pre", truncating="pre", value=0.0
):
    """Return sequences as rows of one length: cut, or padded with `value`, at either end."""
    maxlen = max(map(len, sequences)) if maxlen is None else maxlen
    first = next((s for s in sequences if len(s)), [])
    rows = np.full((len(sequences), maxlen, *np.shape(first)[1:]), value, dtype=dtype)
    for row, sequence in zip(rows, sequences, strict=True):
        if len(sequence):
            part = sequence[-maxlen:] if truncating == "pre" else sequence[:maxlen]
            part = np.asarray(part, dtype=dtype)
            row[len(row) - len(part) if padding == "pre" else 0 :][: len(part)] = part
    return rows


def normalize(x, axis=-1, order=2):
    """Return an array divided by its norms along an axis."""
    norm = np.atleast_1d(np.linalg.norm(x, order, axis))
    norm[norm == 0] = 1
    return x / np.expand_dims(norm, axis)


def set_random_seed(seed):
    """Let all that is drawn be drawn alike."""
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
