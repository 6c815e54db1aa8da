"""Modules that training leaves as they are."""

from __future__ import annotations


def frozen(module, trainable=False):
    """Return a module whose weights training leaves as they are, unless it is `trainable`.

    Normalisation goes by its running statistics then. What is built later follows.
    """
    for part in module.modules():
        part.trainable = trainable
    for parameter in module.parameters():
        parameter.frozen = not trainable
        parameter.requires_grad_(trainable)
    return module
