"""Fills a translated layer or model with the weights of the Keras one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn


def load_keras_weights(
    module: nn.Module, arrays: Sequence[Any], *inputs: Any, **arguments: Any
) -> None:
    """Fill a translated layer or model with `arrays`, the Keras one's `get_weights()`.

    A module that makes its parameters at the first call is built first: now, where `inputs` (and
    other `arguments` of its call) are given, else at its first call. Raises UnreadableModel where
    the arrays are not those of the module, by their number or their shapes.
    """
    from torchtwin.filling.assign import NotYet, fill, filled
    from torchtwin.filling.pending import Pending, built

    taken = as_arrays(arrays)
    Pending.drop(module)
    if inputs or arguments:
        built(module, taken, inputs, arguments)
        return
    try:
        fill(module, taken)
    except NotYet:
        Pending(module, taken, filled=filled(module, taken))


def as_arrays(arrays: Sequence[Any]) -> list[Any]:
    """Return the weights as NumPy arrays; those of other libraries are copied to the host."""
    import numpy as np

    return [x.numpy() if hasattr(x, "numpy") else np.asarray(x) for x in arrays]
