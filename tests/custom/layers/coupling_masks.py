import keras
import numpy as np
from keras import layers, ops


def coupling(size, hidden=6):
    inputs = layers.Input(shape=(size,))
    scale = layers.Dense(size, activation="tanh")(layers.Dense(hidden, activation="relu")(inputs))
    shift = layers.Dense(size)(layers.Dense(hidden, activation="relu")(inputs))
    return keras.Model(inputs=inputs, outputs=[scale, shift])


class Flow(keras.Model):
    """Affine couplings, whose masks are arrays of NumPy."""

    def __init__(self, depth):
        super().__init__()
        self.depth = depth
        self.masks = np.array([[0, 1], [1, 0]] * depth, dtype="float32")
        self.couplings = [coupling(2) for _ in range(depth)]

    def call(self, x, training=True):
        log_det = 0
        direction = -1 if training else 1
        for i in range(self.depth)[::direction]:
            kept = x * self.masks[i]
            rest = 1 - self.masks[i]
            s, t = self.couplings[i](kept)
            s *= rest
            t *= rest
            gate = (direction - 1) / 2
            x = rest * (x * ops.exp(direction * s) + direction * t * ops.exp(gate * s)) + kept
            log_det += gate * ops.sum(s, axis=1)
        return x, log_det
