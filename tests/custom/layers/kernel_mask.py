import keras
from keras import layers
import numpy as np


class MaskedKernel(layers.Layer):
    """Convolves with what lies above and to the left."""

    def __init__(self, kind, **kwargs):
        super().__init__()
        self.kind = kind
        self.conv = layers.Conv2D(**kwargs)

    def build(self, input_shape):
        self.conv.build(input_shape)
        shape = self.conv.kernel.shape
        middle = shape[0] // 2
        self.mask = np.zeros(shape=shape)
        self.mask[:middle, ...] = 1.0
        self.mask[middle, : shape[1] // 2, ...] = 1.0
        if self.kind == "B":
            self.mask[middle, shape[1] // 2, ...] = 1.0

    def call(self, inputs):
        self.conv.kernel.assign(self.conv.kernel * self.mask)
        return self.conv(inputs)
