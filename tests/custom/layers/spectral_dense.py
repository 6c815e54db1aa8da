import tensorflow as tf


class SpectralDense(tf.keras.layers.Layer):
    """Dense whose kernel is divided by its largest singular value (power iteration)."""

    def __init__(self, units, iterations=1, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.iterations = iterations

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[-1], self.units), initializer="glorot_uniform"
        )
        self.u = self.add_weight(
            name="u",
            shape=(1, self.units),
            initializer=tf.keras.initializers.RandomNormal(stddev=1.0),
            trainable=False,
        )

    def call(self, inputs, training=None):
        w = tf.reshape(self.kernel, [-1, self.kernel.shape[-1]])
        u_hat = self.u
        for _ in range(self.iterations):
            v_hat = tf.math.l2_normalize(tf.matmul(u_hat, w, transpose_b=True))
            u_hat = tf.math.l2_normalize(tf.matmul(v_hat, w))
        u_hat = tf.stop_gradient(u_hat)
        v_hat = tf.stop_gradient(v_hat)
        sigma = tf.matmul(tf.matmul(v_hat, w), u_hat, transpose_b=True)
        if training:
            self.u.assign(u_hat)
        return tf.matmul(inputs, self.kernel / sigma)
