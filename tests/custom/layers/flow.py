import tensorflow as tf
from tensorflow.keras import layers, regularizers


def coupling(features, units, reg=0.01):
    """A plain function that builds a small network."""
    inner = tf.keras.Sequential(name="coupling")
    inner.add(layers.Dense(units, activation="relu", kernel_regularizer=regularizers.l2(reg)))
    inner.add(layers.Dense(features, activation="tanh"))
    return inner


class Flow(tf.keras.Model):
    def __init__(self, depth, features):
        super(Flow, self).__init__()
        self.depth = depth
        # by turns the first and the second feature
        self.masks = tf.constant([[0, 1], [1, 0]] * (depth // 2), dtype="float32")
        self.scale = [coupling(features, 4) for i in range(depth)]
        self.shift = [coupling(features, 4) for i in range(depth)]

    def call(self, x, training=True):
        log_det = 0
        direction = 1
        if training:
            direction = -1
        for i in range(self.depth)[::direction]:
            kept = x * self.masks[i]
            other = 1 - self.masks[i]
            s = self.scale[i](kept) * other
            t = self.shift[i](kept) * other
            gate = (direction - 1) / 2
            x = other * (x * tf.exp(direction * s) + direction * t * tf.exp(gate * s)) + kept
            log_det += gate * tf.reduce_sum(s, [1])
        return x, log_det
