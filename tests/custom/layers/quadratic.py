from tensorflow import keras
import tensorflow as tf


class SimpleQuadratic(keras.layers.Layer):
    def __init__(self, units=4, activation=None, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.activation = keras.activations.get(activation)

    def build(self, batch_input_shape):
        # the two matrices and the bias
        self.a = self.add_weight(
            name="a", shape=[batch_input_shape[-1], self.units], initializer="random_normal")
        self.b = self.add_weight(
            name="b", shape=[batch_input_shape[-1], self.units], initializer="random_normal")
        self.c = self.add_weight(name="c", shape=[self.units], initializer="zeros")
        super().build(batch_input_shape)  # must be at the end

    def call(self, X):
        x_squared = tf.math.square(X)
        return self.activation(x_squared @ self.a + X @ self.b + self.c)

    def compute_output_shape(self, batch_input_shape):
        return tf.TensorShape(batch_input_shape.as_list()[:-1] + [self.units])
