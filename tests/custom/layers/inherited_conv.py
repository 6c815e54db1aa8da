import keras
from keras import layers, ops


class PaddedConv2D(layers.Conv2D):
    """Mirrors the edge, then convolves."""

    def __init__(self, filters, kernel_size, **kwargs):
        super().__init__(filters, kernel_size, padding="valid", **kwargs)
        self.margin = kernel_size // 2

    def call(self, x):
        m = self.margin
        x = ops.pad(x, [[0, 0], [m, m], [m, m], [0, 0]], mode="reflect")
        return super().call(x)
