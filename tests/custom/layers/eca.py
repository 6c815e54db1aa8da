import math
import keras
from keras import layers, ops


class ECA(layers.Layer):
    """Channel attention with one small convolution over the channels."""

    def __init__(self, gamma=2, b=1, **kwargs):
        super().__init__(**kwargs)
        self.gamma = gamma
        self.b = b

    def build(self, input_shape):
        t = int(abs((math.log2(input_shape[-1]) + self.b) / self.gamma))
        k = t if t % 2 else t + 1
        self.conv = layers.Conv1D(1, kernel_size=k, padding="same", use_bias=False)

    def call(self, x):
        y = ops.mean(x, axis=[1, 2])
        y = ops.expand_dims(y, -1)
        y = self.conv(y)
        y = ops.sigmoid(y)
        y = ops.transpose(y, [0, 2, 1])
        return x * y[:, None]
