import keras
from keras import layers, ops


class ConcreteGate(layers.Wrapper):
    """Scales what the wrapped layer gives."""

    def __init__(self, layer, init_scale=0.5, **kwargs):
        super().__init__(layer, **kwargs)
        self.init_scale = init_scale

    def build(self, input_shape=None):
        super().build(input_shape)
        self.gate = self.add_weight(
            name="gate", shape=(), initializer=keras.initializers.Constant(self.init_scale)
        )

    def call(self, inputs):
        return self.layer(inputs) * ops.tanh(self.gate)


class Gated(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = ConcreteGate(layers.Dense(4, activation="relu"))
        self.second = ConcreteGate(layers.Dense(2), init_scale=1.0)

    def call(self, x):
        return self.second(self.first(x))
