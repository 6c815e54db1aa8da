import keras
import tensorflow as tf
from keras import layers, ops


class Interleaved(layers.Layer):
    """Convolutions and their norms, made side by side."""

    def __init__(self, depth=3, **kwargs):
        super().__init__(**kwargs)
        self.dense, self.norms = [], []
        self.out = layers.Dense(5)
        for i in range(depth):
            self.dense.append(layers.Dense(5, name=f"d{i}"))
            self.norms.append(layers.LayerNormalization())
        self.last = layers.Dense(5)

    def call(self, x):
        for dense, norm in zip(self.dense, self.norms):
            x = norm(ops.tanh(dense(x)))
        return self.last(self.out(x))


class Stages(keras.Model):
    def __init__(self, widths=(5, 5), use_norm=True):
        super().__init__()
        self.downs = []
        self.norms = []
        self.blocks = []
        for width in widths:
            self._add_stage(width, use_norm)
        self.head = {1: layers.Dense(2), "keys": layers.Dense(2), "a.b": layers.Dense(2)}

    def _add_stage(self, width, use_norm):
        self.downs.append(layers.Dense(width))
        if use_norm:
            self.norms.append(layers.BatchNormalization())
        self.blocks.append([layers.Dense(width, activation="relu"), layers.Dense(width)])

    def call(self, x, training=None):
        for i, (down, block) in enumerate(zip(self.downs, self.blocks)):
            x = down(x)
            if self.norms:
                x = self.norms[i](x, training=training)
            y = x
            for layer in block:
                y = layer(y)
            x = x + y
        return [head(x) for head in self.head.values()]


class Weighted(layers.Layer):
    def __init__(self, n=2, **kw):
        super(Weighted, self).__init__(**kw)
        self.n = n

    def build(self, input_shape):
        self.kernels = []
        self.biases = []
        dim = int(input_shape[-1])
        for i in range(self.n):
            w = self.add_weight(name="w_%d" % i, shape=(dim, dim), initializer="glorot_uniform")
            self.kernels.append(w)
            self.biases.append(self.add_weight(name="b_%d" % i, shape=(dim,), initializer="zeros", trainable=True))
        self.scale = self.add_weight(name="s", shape=(dim,), initializer="ones", trainable=False)
        self.built = True

    def call(self, x):
        for w, b in zip(self.kernels, self.biases):
            x = tf.nn.tanh(tf.matmul(x, w) + b)
        return x * self.scale


class Choice(layers.Layer):
    def __init__(self, units=4, use_gate=False, depth=2):
        super().__init__()
        self.use_gate = use_gate
        if self.use_gate:
            self.gate = layers.Dense(units, activation="sigmoid")
        for i in range(depth):
            setattr(self, f"fc_{i}", layers.Dense(units, activation="relu"))
        self.depth = depth
        self.pair = layers.Dense(units), layers.Dropout(0.1)
        self.named = dict(first=layers.Dense(units), second=layers.Dense(units))

    def call(self, x):
        for i in range(self.depth):
            x = getattr(self, f"fc_{i}")(x)
        if self.use_gate:
            x = x * self.gate(x)
        dense, drop = self.pair
        x = drop(dense(x))
        return self.named["first"](x) - self.named["second"](x)
