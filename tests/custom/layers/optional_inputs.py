from typing import List, Union

import keras
import numpy as np
from keras import layers, ops


class FiLM(layers.Layer):
    """Modulates features by a condition, when there is one."""

    def __init__(self, units: int, zero_init: bool = True, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        kernel_init = "zeros" if zero_init else "glorot_uniform"
        self.to_gamma = layers.Dense(units, kernel_initializer=kernel_init, name="gamma")
        self.to_beta = layers.Dense(units, kernel_initializer=kernel_init, name="beta")

    def call(self, x, condition=None, *, scale: float = 1.0):
        if condition is None:
            return x
        gamma = self.to_gamma(condition)
        beta = self.to_beta(condition)
        for _ in range(len(x.shape) - 2):
            gamma, beta = ops.expand_dims(gamma, 1), ops.expand_dims(beta, 1)
        return x * (1 + scale * gamma) + beta
