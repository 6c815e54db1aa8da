import tensorflow as tf
from tensorflow.keras import layers


class Codebook(layers.Layer):
    def __init__(self, entries, width, beta=0.25, **kwargs):
        super().__init__(**kwargs)
        self.entries = entries
        self.width = width
        self.beta = beta  # weight of the commitment
        self.codes = self.add_weight(
            shape=(self.width, self.entries), initializer="uniform", trainable=True, name="codes"
        )

    def nearest(self, rows):
        cross = tf.matmul(rows, self.codes)
        far = tf.reduce_sum(rows ** 2, axis=1, keepdims=True) + tf.reduce_sum(self.codes ** 2, axis=0)
        return tf.argmin(far - 2 * cross, axis=1)

    def call(self, x):
        shape = tf.shape(x)
        rows = tf.reshape(x, [-1, self.width])
        chosen = tf.one_hot(self.nearest(rows), self.entries)
        found = tf.reshape(tf.matmul(chosen, self.codes, transpose_b=True), shape)
        commitment = tf.reduce_mean((tf.stop_gradient(found) - x) ** 2)
        book = tf.reduce_mean((found - tf.stop_gradient(x)) ** 2)
        self.add_loss(self.beta * commitment + book)
        # forwards the code, backwards the identity
        return x + tf.stop_gradient(found - x)
