import math

import keras
from keras import ops


class RandomFourier(keras.layers.Layer):
    def __init__(self, features, scale=1.0, **kwargs):
        super().__init__(**kwargs)
        self.features = features
        self.scale = scale

    def build(self, input_shape):
        self.b = self.add_weight(
            shape=(input_shape[-1], self.features),
            initializer=keras.initializers.RandomNormal(stddev=self.scale, seed=3),
            trainable=False,
            name="b",
        )

    def call(self, x):
        angles = 2.0 * math.pi * ops.matmul(x, self.b)
        return ops.concatenate([ops.cos(angles), ops.sin(angles)], axis=-1)
