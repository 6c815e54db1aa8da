import tensorflow as tf
from tensorflow.keras import layers as L


class SqueezeExcite(L.Layer):
    def __init__(self, ratio=4, **kwargs):
        super().__init__(**kwargs)
        self.ratio = ratio

    def build(self, input_shape):
        channels = input_shape[-1]
        self.squeeze = L.GlobalAveragePooling2D()
        self.reduce = L.Dense(channels // self.ratio, activation="relu")
        self.expand = L.Dense(channels, activation="sigmoid")
        super().build(input_shape)

    def call(self, x):
        s = self.squeeze(x)
        s = self.reduce(s)
        s = self.expand(s)
        s = s[:, tf.newaxis, tf.newaxis, :]  # (batch, 1, 1, channels)
        return x * s
