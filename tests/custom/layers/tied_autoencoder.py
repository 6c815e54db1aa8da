import tensorflow as tf
from tensorflow import keras


class DenseTranspose(keras.layers.Layer):
    def __init__(self, dense, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.dense = dense
        self.activation = keras.activations.get(activation)

    def build(self, batch_input_shape):
        self.biases = self.add_weight(name="bias", shape=[self.dense.units], initializer="zeros")
        super().build(batch_input_shape)

    def call(self, inputs):
        z = tf.matmul(inputs, self.dense.weights[0], transpose_b=True)
        return self.activation(z + self.biases)


class TiedAutoencoder(keras.Model):
    def __init__(self, hidden, features):
        super().__init__()
        self.encode = keras.layers.Dense(hidden, activation="selu")
        self.bias = self.add_weight(shape=(features,), initializer="zeros", name="decoder_bias")

    def call(self, x):
        code = self.encode(x)
        # the same matrix, the other way
        return tf.sigmoid(tf.matmul(code, self.encode.kernel, transpose_b=True) + self.bias)
