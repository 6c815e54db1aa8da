import keras
from keras import ops


class Affine(keras.layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    # The width of the input is known at the first call.
    def build(self, input_shape):
        self.w = self.add_weight(
            shape=(input_shape[-1], self.units),
            initializer="random_normal",
            trainable=True,
        )
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units})
        return config


class Tower(keras.layers.Layer):
    def __init__(self):
        super().__init__()
        self.one = Affine(5)
        self.two = Affine(4)
        self.last = Affine(1)

    def call(self, inputs):
        x = keras.activations.relu(self.one(inputs))
        x = keras.activations.relu(self.two(x))
        return self.last(x)
