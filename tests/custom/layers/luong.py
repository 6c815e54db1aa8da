import keras
from keras import ops


class LuongAttention(keras.layers.Layer):
    def __init__(self, method="general", **kwargs):
        super().__init__(**kwargs)
        if method not in ("dot", "general"):
            raise ValueError(f"unknown method {method}")
        self.method = method

    def build(self, input_shape):
        query_shape, value_shape = input_shape
        if self.method == "general":
            self.W = self.add_weight(
                shape=(query_shape[-1], value_shape[-1]),
                initializer="glorot_uniform",
                trainable=True,
                name="W",
            )

    def call(self, inputs, mask=None):
        query, value = inputs
        if self.method == "general":
            query = ops.matmul(query, self.W)
        scores = ops.matmul(query, ops.transpose(value, axes=[0, 2, 1]))
        weights = ops.softmax(scores, axis=-1)
        return ops.matmul(weights, value)
