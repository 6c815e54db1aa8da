import keras
from keras import ops
from keras.initializers import GlorotUniform


class Accumulator(keras.layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, shape):
        self.w_hat = self.add_weight(name="w_hat", shape=[shape[-1], self.units], initializer=GlorotUniform())
        self.m_hat = self.add_weight(name="m_hat", shape=[shape[-1], self.units], initializer=GlorotUniform())

    @property
    def matrix(self):
        return ops.tanh(self.w_hat) * ops.sigmoid(self.m_hat)

    def call(self, x):
        return ops.dot(x, self.matrix)


class ArithmeticUnit(keras.layers.Layer):
    """Sums and, in the space of logarithms, products."""

    epsilon = 1e-7

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.sums = Accumulator(units)

    def build(self, shape):
        self.gate = self.add_weight(name="gate", shape=[shape[-1], self.units])
        self.sums.build(shape)

    def call(self, x):
        a = self.sums(x)
        m = ops.exp(ops.dot(ops.log(ops.absolute(x) + self.epsilon), self.sums.matrix))
        g = ops.sigmoid(ops.dot(x, self.gate))
        return g * a + (1 - g) * m
