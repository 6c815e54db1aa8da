import tensorflow as tf
from tensorflow.keras import layers


class Stack(layers.Layer):
    def __init__(self, num_layers, units, **kwargs):
        super().__init__(**kwargs)
        self.num_layers = num_layers
        for i in range(num_layers):
            setattr(self, "dense_%d" % i, layers.Dense(units, activation="tanh"))
            setattr(self, f"norm_{i}", layers.LayerNormalization())

    def call(self, x):
        for i in range(self.num_layers):
            x = x + getattr(self, "dense_%d" % i)(x)
            x = getattr(self, f"norm_{i}")(x)
        return x
