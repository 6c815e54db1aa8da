import keras
from keras import layers, ops


class Base(layers.Layer):
    def __init__(self, units=4, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="glorot_uniform", name=f"{self.name}_w")

    def call(self, inputs):
        return self.activation(ops.matmul(inputs, self.w))

    def get_config(self):
        config = super().get_config()
        config.update({"units": self.units, "activation": keras.activations.serialize(self.activation)})
        return config


class Derived(Base):
    def __init__(self, extra, **kwargs):
        super().__init__(**kwargs)
        self.extra = extra

    def call(self, inputs):
        return super().call(inputs) * self.extra

    def get_config(self):
        return {**super().get_config(), "extra": self.extra}


class NoInit(layers.Layer):
    def call(self, x):
        return x * 2.0


class FromNoInit(NoInit):
    def __init__(self, factor=3.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, x):
        return super().call(x) * self.factor


class Holder(keras.Model):
    def __init__(self, units, *, depth=2, name="holder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.inner = [Derived(1.5, units=units, name=f"{name}_{i}") for i in range(depth)]

    def call(self, x):
        for layer in self.inner:
            x = layer(x)
        return x
