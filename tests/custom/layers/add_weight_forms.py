import keras
from keras import initializers, ops
from keras.constraints import NonNeg


def half(shape, dtype=None):
    return ops.ones(shape, dtype=dtype) * 0.5


class Forms(keras.layers.Layer):
    def __init__(self):
        super().__init__(name="forms")
        self.scalar = self.add_weight(name="scalar", initializer="ones")
        self.unnamed = self.add_weight((3,))

    def build(self, input_shape):
        last = input_shape[-1]
        self.first = self.add_weight((last, 3), "he_uniform", name="first")
        self.second = self.add_weight(shape=[last], initializer=half)
        self.steps = self.add_weight(shape=(), dtype="int32", trainable=False, initializer="zeros", name="steps")
        self.positive = self.add_weight(
            shape=(3,), initializer=initializers.RandomUniform(minval=0.0, maxval=1.0), constraint=NonNeg()
        )
        self.frozen = self.add_weight(
            name="frozen", shape=[3, 3], trainable=False, initializer=initializers.Identity(gain=2.0)
        )

    def call(self, x):
        y = ops.matmul(x * self.second, self.first) + self.unnamed
        y = ops.matmul(y, self.frozen) * self.positive
        return self.scalar * y + ops.cast(self.steps, y.dtype)
