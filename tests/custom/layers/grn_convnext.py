import keras
from keras import layers, ops


class GlobalResponseNorm(layers.Layer):
    def __init__(self, dim, eps=1e-6, **kwargs):
        super().__init__(**kwargs)
        self.dim = dim
        self.eps = eps
        self.gamma = self.add_weight(shape=(1, 1, 1, dim), initializer="zeros", name="gamma")
        self.beta = self.add_weight(shape=(1, 1, 1, dim), initializer="zeros", name="beta")

    def call(self, x):
        gx = ops.sqrt(ops.sum(ops.square(x), axis=(1, 2), keepdims=True))
        nx = gx / (ops.mean(gx, axis=-1, keepdims=True) + self.eps)
        return self.gamma * (x * nx) + self.beta + x


class ConvNeXtBlock(layers.Layer):
    def __init__(self, dim, **kwargs):
        super().__init__(**kwargs)
        self.dwconv = layers.DepthwiseConv2D(7, padding="same")
        self.norm = layers.LayerNormalization(epsilon=1e-6)
        self.pwconv1 = layers.Dense(2 * dim)
        self.act = layers.Activation("gelu")
        self.grn = GlobalResponseNorm(2 * dim)
        self.pwconv2 = layers.Dense(dim)

    def call(self, x):
        shortcut = x
        x = self.pwconv1(self.norm(self.dwconv(x)))
        x = self.pwconv2(self.grn(self.act(x)))
        return shortcut + x
