import numpy as np
import tensorflow as tf
from tensorflow import keras


def sine_init(w0=30.0, first=False):
    def init(shape, dtype=None):
        bound = 1.0 / shape[0] if first else np.sqrt(6.0 / shape[0]) / w0
        return tf.random.uniform(shape, -bound, bound, dtype=dtype)

    return init


class SirenLayer(keras.layers.Layer):
    def __init__(self, units, w0=30.0, first=False, **kwargs):
        super().__init__(**kwargs)
        self.w0 = w0
        self.dense = keras.layers.Dense(units, kernel_initializer=sine_init(w0, first))

    def call(self, x):
        return tf.sin(self.w0 * self.dense(x))


class Siren(keras.Model):
    def __init__(self, width=5, depth=2):
        super().__init__()
        self.net = keras.Sequential(
            [SirenLayer(width, first=True)] + [SirenLayer(width, w0=1.0) for _ in range(depth)]
        )
        self.final = keras.layers.Dense(3)

    def call(self, coords):
        return self.final(self.net(coords))
