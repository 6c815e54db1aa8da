import keras
from keras import layers, ops


class ScaledDense(layers.Dense):
    def __init__(self, units, scale=2.0, **kwargs):
        super().__init__(units, **kwargs)
        self.scale = scale

    def call(self, inputs):
        return super().call(inputs) * self.scale


class NormDense(layers.Dense):
    """Dense with a unit-norm kernel and a gain."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)

    def build(self, input_shape):
        super().build(input_shape)
        self.gain = self.add_weight(name="gain", shape=(self.units,), initializer="ones")

    def call(self, inputs):
        kernel = self.kernel / ops.sqrt(ops.sum(ops.square(self.kernel), axis=0, keepdims=True))
        y = ops.matmul(inputs, kernel) * self.gain
        if self.use_bias:
            y = y + self.bias
        if self.activation is not None:
            y = self.activation(y)
        return y
