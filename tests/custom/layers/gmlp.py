import tensorflow as tf
from tensorflow import keras

layers = tf.keras.layers


class SpatialGating(layers.Layer):
    def build(self, input_shape):
        steps = input_shape[1]
        self.norm = layers.LayerNormalization(epsilon=1e-6)
        self.proj = layers.Dense(units=steps, bias_initializer="Ones")

    def call(self, x):
        # split the channels in two, let one half gate the other
        u, v = tf.split(x, num_or_size_splits=2, axis=2)
        v = self.norm(v)
        v_channels = tf.linalg.matrix_transpose(v)
        v = tf.linalg.matrix_transpose(self.proj(v_channels))
        return u * v
