from typing import Optional

import keras
from keras import ops


class EinsumAttention(keras.layers.Layer):
    def __init__(self, heads: int, size: int, dropout: float = 0.0, **kwargs) -> None:
        super().__init__(**kwargs)
        self.heads: int = heads
        self.size: int = size
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, input_shape):
        features = input_shape[-1]
        init = keras.initializers.VarianceScaling(1.0, "fan_avg", "uniform")
        self.qkv = self.add_weight((features, 3, self.heads, self.size), initializer=init, name="qkv")
        self.out = self.add_weight((self.heads, self.size, features), initializer=init, name="out")

    def call(self, x, mask: Optional[object] = None, training: Optional[bool] = None):
        q, k, v = ops.unstack(ops.einsum("bsf,fthd->tbshd", x, self.qkv), 3, axis=0)
        scores = ops.einsum("bqhd,bkhd->bhqk", q, k) / (self.size**0.5)
        if mask is not None:
            scores = ops.where(mask[:, None, None, :], scores, -1e9)
        weights = self.dropout(ops.softmax(scores), training=training)
        return ops.einsum("bhqk,bkhd,hdf->bqf", weights, v, self.out)
