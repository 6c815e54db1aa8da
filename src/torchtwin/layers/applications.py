"""Layers that models of keras.applications define for themselves."""

from __future__ import annotations

from torchtwin.errors import UnsupportedError
from torchtwin.expr import call
from torchtwin.nn.noise import SharedDropout
from torchtwin.nn.scale import Scale
from torchtwin.rule import ANY, Piece, rule
from torchtwin.view import LayerView


@rule("LayerScale", layout=ANY)
def layer_scale(layer: LayerView) -> Piece:
    """ConvNeXt's factor for each channel (keras/src/applications/convnext.py)."""
    axis = layer.input.axis(-1)
    behind = [] if axis == -1 else [1] * (layer.input.rank - 1 - axis)
    layer.ignore("init_values")
    return Piece(
        module=call(Scale, (layer["projection_dim"], *behind)),
        weights={"weight": f"gamma: c -> {' '.join(['c', *map(str, behind)])}"},
    )


@rule("StochasticDepth", layout=ANY)
def stochastic_depth(layer: LayerView) -> Piece:
    """Dropout of whole examples."""
    dims = tuple(range(1, layer.input.rank))
    return Piece(module=call(SharedDropout, layer["drop_path_rate"], dims=dims))


@rule("CustomScaleLayer", layout=ANY)
def custom_scale_layer(layer: LayerView) -> Piece:
    """InceptionResNetV2's sum (keras/src/applications/inception_resnet_v2.py)."""
    if len(layer.inputs) != 2:
        raise UnsupportedError(f"CustomScaleLayer of {len(layer.inputs)} inputs")
    x, y = (tensor.expr for tensor in layer.inputs)
    return Piece(x + y * layer["scale"])
