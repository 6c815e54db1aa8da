"""What of the layers' own behaviour in training is not translated."""

from __future__ import annotations

from torchtwin.errors import UnsupportedError
from torchtwin.graph import Graph


def check_mode(graph: Graph, *, stepwise: bool = False) -> None:
    """Raise UnsupportedError for batch statistics that are not those of Keras.

    Around a whole model, TimeDistributed calls it for every step, and each step is a batch of its
    own; here all steps are one. `stepwise` tells that the graph is inside of such a model.
    """
    for layer in graph.layers.values():
        if stepwise and layer.class_name == "BatchNormalization" and layer.trainable:
            raise UnsupportedError(
                "the batch statistics of a BatchNormalization in a model inside TimeDistributed",
                where=layer.path,
                hint="put TimeDistributed around the layers, or freeze the BatchNormalization",
            )
        if layer.graph is not None:
            check_mode(layer.graph, stepwise=stepwise or layer.class_name == "TimeDistributed")
