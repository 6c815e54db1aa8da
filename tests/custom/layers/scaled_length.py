from tensorflow.keras.layers import Layer
import tensorflow.keras.backend as K
import numpy as np


class ScaledLength(Layer):
    def __init__(self, first=20, axis=3, **kwargs):
        self.axis = axis
        self.first = first
        super(ScaledLength, self).__init__(**kwargs)

    def build(self, input_shape):
        self.gamma = self.add_weight(
            name="gamma", shape=(input_shape[self.axis],),
            initializer=lambda shape, dtype=None: self.first * K.ones(shape, dtype),
        )
        super(ScaledLength, self).build(input_shape)

    def call(self, x, mask=None):
        output = K.l2_normalize(x, self.axis)
        output *= self.gamma
        return output
