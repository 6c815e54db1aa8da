import keras
import numpy as np
from keras import layers, ops


def to_windows(x, size):
    _, height, width, channels = x.shape
    x = ops.reshape(x, (-1, height // size, size, width // size, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, size * size, channels))


def from_windows(windows, size, height, width, channels):
    x = ops.reshape(windows, (-1, height // size, width // size, size, size, channels))
    x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
    return ops.reshape(x, (-1, height, width, channels))


class InWindow(layers.Layer):
    """Attention inside a window, with a learned bias for every offset."""

    def __init__(self, dim, size, heads, qkv_bias=True, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.size = size
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.qkv = layers.Dense(dim * 3, use_bias=qkv_bias)
        self.proj = layers.Dense(dim)
        self.table = self.add_weight(
            shape=((2 * size - 1) ** 2, heads), initializer=keras.initializers.Zeros(), trainable=True, name="table"
        )
        grid = np.stack(np.meshgrid(np.arange(size), np.arange(size), indexing="ij")).reshape(2, -1)
        offset = (grid[:, :, None] - grid[:, None, :]).transpose([1, 2, 0]) + size - 1
        self.index = offset[:, :, 0] * (2 * size - 1) + offset[:, :, 1]

    def call(self, x, mask=None):
        _, places, channels = x.shape
        qkv = ops.reshape(self.qkv(x), (-1, places, 3, self.heads, channels // self.heads))
        qkv = ops.transpose(qkv, (2, 0, 3, 1, 4))
        q, k, v = qkv[0], qkv[1], qkv[2]
        scores = (q * self.scale) @ ops.transpose(k, (0, 1, 3, 2))
        bias = ops.take(self.table, ops.reshape(self.index, (-1,)), axis=0)
        bias = ops.transpose(ops.reshape(bias, (places, places, -1)), (2, 0, 1))
        scores = scores + ops.expand_dims(bias, axis=0)
        if mask is not None:
            count = mask.shape[0]
            far = ops.cast(ops.expand_dims(ops.expand_dims(mask, axis=1), axis=0), scores.dtype)
            scores = ops.reshape(scores, (-1, count, self.heads, places, places)) + far
            scores = ops.reshape(scores, (-1, self.heads, places, places))
        x = keras.activations.softmax(scores, axis=-1) @ v
        return self.proj(ops.reshape(ops.transpose(x, (0, 2, 1, 3)), (-1, places, channels)))


class Windows(layers.Layer):
    def __init__(self, dim, size=2, shift=1, heads=2):
        super().__init__()
        self.size, self.shift = size, shift
        self.norm = layers.LayerNormalization(epsilon=1e-5)
        self.attention = InWindow(dim, size, heads)

    def call(self, x):
        _, h, w, c = x.shape
        y = self.norm(x)
        if self.shift > 0:
            y = ops.roll(y, shift=[-self.shift, -self.shift], axis=[1, 2])
        y = from_windows(self.attention(to_windows(y, self.size)), self.size, h, w, c)
        if self.shift > 0:
            y = ops.roll(y, shift=[self.shift, self.shift], axis=[1, 2])
        return x + y
