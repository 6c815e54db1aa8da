import tensorflow as tf
from tensorflow import keras


class Transposed(keras.layers.Layer):
    """Uses the kernel of another layer, turned."""

    def __init__(self, dense, activation=None, **kwargs):
        self.dense = dense
        self.activation = keras.activations.get(activation)
        super().__init__(activity_regularizer=keras.regularizers.L2(0.1), **kwargs)

    def build(self, batch_input_shape):
        self.biases = self.add_weight(
            name="bias", shape=[self.dense.kernel.shape[0]], initializer="zeros"
        )
        super().build(batch_input_shape)

    def call(self, inputs):
        z = tf.matmul(inputs, self.dense.kernel, transpose_b=True)
        return self.activation(z + self.biases)

    def get_config(self):
        # the other layer is not part of it
        return {"activation": keras.activations.serialize(self.activation)}


class Gated(keras.layers.Layer):
    def __init__(self, sizes=(2, -1), **kwargs):
        self.sizes = list(sizes)
        self.gates = None
        self.bias = None
        super(Gated, self).__init__(**kwargs)

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],))
        self.bias = self.add_weight(name="bias", shape=(1,))
        self.gates = [self.add_weight(name=f"gate_{k}", shape=(1,)) for k in range(2)]
        self.built = True

    def call(self, x):
        half = tf.constant(0.5)
        parts = tf.split(x * self.scale + self.bias, self.sizes, axis=-1)
        gated = [part * gate * half for part, gate in zip(parts, self.gates)]
        columns = tf.split(x, x.shape[-1] * [1], axis=-1)
        return tf.concat([*gated, columns[0]], axis=-1)


class Tied(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.gated = Gated()
        self.dense = keras.layers.Dense(units, activation="tanh")
        self.back = Transposed(self.dense, activation="sigmoid")

    def call(self, x):
        return self.back(self.dense(self.gated(x)))
