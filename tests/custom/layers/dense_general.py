import keras
from keras import ops


class GeneralDense(keras.layers.Layer):
    def __init__(self, units, activation="gelu", use_bias=True, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)
        self.use_bias = use_bias
        self.dropout = dropout

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units), initializer="lecun_normal"
        )
        self.bias = (
            self.add_weight(name="bias", shape=(self.units,), initializer="zeros")
            if self.use_bias
            else None
        )
        self.input_spec = keras.InputSpec(min_ndim=2, axes={-1: input_shape[-1]})

    def call(self, x, training=False):
        if training and self.dropout > 0:
            x = keras.random.dropout(x, self.dropout)
        x = ops.tensordot(x, self.kernel, axes=[[-1], [0]])
        if self.use_bias:
            x = ops.add(x, self.bias)
        return self.activation(x)

    @classmethod
    def from_config(cls, config):
        return cls(**config)
