import keras
import tensorflow as tf
import numpy as np
from keras import layers, ops


class Projected(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = layers.Dense(units, activation="elu")
        self.project = layers.Dense(units)

    def call(self, x):
        y = self.dense(x)
        if x.shape[-1] != self.units:
            x = self.project(x)
        return x + y


class Conditioned(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.to_scale = layers.Dense(units)

    def call(self, x, condition=None):
        if condition is None:
            return x * 1.0
        return x * self.to_scale(condition)


class Positions(layers.Layer):
    """Constants and counters kept in variables."""

    def __init__(self, steps, width):
        super().__init__()
        table = np.arange(steps)[:, None] / (np.arange(width)[None, :] + 1.0)
        self.index = keras.Variable(np.arange(steps), dtype="int32", trainable=False)
        self.scale = keras.Variable(initializer="ones", shape=(width,), name="scale")

    def call(self, x):
        steps = tf.shape(x)[1]
        return x * self.scale + tf.cast(tf.gather(self.index, [1]), x.dtype)


class Masked(layers.Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, input_shape):
        n = input_shape[-1]
        self.w = self.add_weight(shape=(n, self.units), initializer="glorot_uniform")
        self.mask = np.triu(np.ones((n, self.units), dtype="float32"))
        self.scale = np.sqrt(n)

    def call(self, x):
        return ops.matmul(x, self.w * self.mask) / self.scale + np.float32(1.0)
