import keras
from keras import ops


class MemoryAttention(keras.layers.Layer):
    def __init__(self, slots, **kwargs):
        super().__init__(**kwargs)
        self.slots = slots

    def build(self, input_shape):
        _, steps, width = input_shape
        self.keys = self.add_weight(shape=(width, self.slots), initializer="glorot_uniform", name="keys")
        self.values = self.add_weight(shape=(self.slots, width), initializer="glorot_uniform", name="values")

    def call(self, x):
        scores = x @ self.keys
        attention = ops.softmax(scores, axis=1)
        attention = attention / (1e-9 + ops.sum(attention, axis=2, keepdims=True))
        x = attention @ self.values
        top, where = ops.top_k(ops.sum(attention, axis=1), 2)
        return x, ops.cumsum(top, axis=-1), where
