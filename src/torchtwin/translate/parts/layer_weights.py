"""The weights of one layer as arrays, in the order and with the axes that Keras gives them."""

from __future__ import annotations

import torch

from torchtwin.nn.kernel_of import kernel_of, weighted
from torchtwin.translate.parts.files import must_be_built, weights_of


def arrays_of(layer):
    """Return the weights of a layer: of a linear one the kernel (in, out) and the bias."""
    return [value.detach().cpu().numpy().copy() for value in views_of(layer)]


def fill_layer(layer, arrays):
    """Fill a layer with weights such as `arrays_of` returns."""
    views = views_of(layer)
    given = [torch.as_tensor(array) for array in arrays]
    shapes = [[tuple(value.shape) for value in values] for values in (views, given)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"weights of the shapes {shapes[0]} are wanted, {shapes[1]} were given")
    with torch.no_grad():
        for view, value in zip(views, given, strict=True):
            view.copy_(value)


def views_of(layer):
    """Return the weights of a layer, seen in Keras's order of axes."""
    must_be_built(layer)
    weights = weights_of(layer)
    if not weights:
        return []
    last = {name.rpartition(".")[2] for name in weights}
    part = weighted(layer)
    name = type(part).__name__
    plain = last <= {"weight", "bias"} and len(weights) == len(last) and "weight" in last
    if plain and any(kind in name for kind in ("Linear", "Conv", "Embedding")):
        return [kernel_of(part), *([part.bias] if "bias" in last else [])]
    if "Norm" in name and all(value.ndim == 1 for value in weights.values()):
        return list(weights.values())
    raise NotImplementedError(f"Keras has the weights of {name} as other arrays than PyTorch")
