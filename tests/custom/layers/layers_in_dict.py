import keras
from keras import layers, ops


class MultiHeadOutputs(keras.Model):
    def __init__(self, sizes, **kwargs):
        super().__init__(**kwargs)
        self.sizes = sizes
        self.shared = layers.Dense(6, activation="relu")
        self.heads = {name: layers.Dense(n, name=name) for name, n in sizes.items()}

    def call(self, inputs):
        x = ops.concatenate([inputs["age"], inputs["income"]], axis=-1)
        x = self.shared(x)
        return {name: head(x) for name, head in self.heads.items()}
