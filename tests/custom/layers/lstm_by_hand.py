import tensorflow as tf


class HandLSTM(tf.keras.layers.Layer):
    """An LSTM unrolled with a Python loop."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        dim = input_shape[-1]
        self.w = self.add_weight(name="w", shape=(dim + self.units, 4 * self.units))
        self.b = self.add_weight(name="b", shape=(4 * self.units,), initializer="zeros")

    def step(self, x_t, h, c):
        z = tf.matmul(tf.concat([x_t, h], axis=1), self.w) + self.b
        i, f, o, g = tf.split(z, num_or_size_splits=4, axis=1)
        c = tf.sigmoid(f + 1.0) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return h, c

    def call(self, inputs):
        h = tf.zeros((tf.shape(inputs)[0], self.units), dtype=inputs.dtype)
        c = tf.zeros_like(h)
        outputs = []
        for x_t in tf.unstack(inputs, axis=1):
            h, c = self.step(x_t, h, c)
            outputs.append(h)
        return tf.stack(outputs, axis=1), h, c
