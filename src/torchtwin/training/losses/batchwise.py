"""Losses of overlap, of embeddings and of sequences (keras/src/losses/losses.py)."""

from __future__ import annotations

from typing import Any

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.training.losses.given import COUPLED, Given, Values
from torchtwin.training.parts import losses_crossentropy, losses_overlap

IMPOSSIBLE = (
    "Where the steps are too few for the labels, the CTC loss is infinite, as in Keras on PyTorch; "
    "Keras on TensorFlow gives about 708, on JAX 1e5 for each label too many."
)
LABEL_COLUMN = (
    "With targets of shape (batch, 1) this loss compares every target with every output of the "
    "batch, as Keras does; give it targets of shape (batch,)."
)


def dice(given: Given, axis: Any = None) -> Values:
    dim = given.dim(axis)
    return Values(
        call(losses_overlap.dice, given.x, given.y, dim=dim), differences=given.couples(dim)
    )


def tversky(given: Given, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Values:
    dim = given.dim(axis)
    values = call(losses_overlap.tversky, given.x, given.y, alpha=alpha, beta=beta, dim=dim)
    return Values(values, differences=given.couples(dim))


def circle(
    given: Given,
    *,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80.0,
    margin: float = 0.4,
) -> Values:
    if ref_labels is not None or ref_embeddings is not None:
        raise UnsupportedError("a circle loss with embeddings of reference")
    values = call(
        losses_overlap.circle,
        given.x, given.y, gamma=float(gamma), margin=margin, remove_diagonal=remove_diagonal,
    )  # fmt: skip
    # Keras leaves samples with a loss of 0 out of the mean
    return Values(values, valid=values.gt(0), differences=(COUPLED,))


def ctc(given: Given) -> Values:
    if given.rank != 3:
        raise UnsupportedError(
            f"a CTC loss of an output of rank {given.rank}",
            hint="Keras wants logits (batch, steps, classes)",
        )
    values = call(losses_crossentropy.ctc, given.x, given.y)
    return Values(values, differences=(IMPOSSIBLE,))


def categorical_generalized_cross_entropy(given: Given, q: float | None = None) -> Values:
    if q is None or not 0 < q < 1:
        raise UnsupportedError(f"a generalized cross-entropy with q={q}", hint="0 < q < 1")
    values = call(losses_crossentropy.generalized_crossentropy, given.x, given.y, q=q)
    return Values(values, differences=(LABEL_COLUMN,))
