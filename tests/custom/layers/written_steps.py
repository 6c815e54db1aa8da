import tensorflow as tf
from tensorflow.keras.layers import Layer


class Steps(Layer):
    def __init__(self, units):
        super().__init__()
        self.units = units

    def build(self, shape):
        self.w = self.add_weight(name="w", shape=(shape[-1], self.units))
        self.u = self.add_weight(name="u", shape=(self.units, self.units))

    def step(self, h, x):
        return tf.tanh(tf.matmul(x, self.w) + tf.matmul(h, self.u))

    def start(self, x):
        return tf.zeros((tf.shape(x)[0], self.units), dtype=x.dtype)

    def call(self, x):
        hs = tf.scan(self.step, tf.transpose(x, [1, 0, 2]), initializer=self.start(x))
        return tf.transpose(hs, [1, 0, 2])


class Written(Steps):
    """The same, with a row that is written step by step."""

    def call(self, x):
        rows = tf.TensorArray(dtype=x.dtype, size=0, dynamic_size=True)
        h = self.start(x)
        for t in tf.range(x.shape[1]):
            h = self.step(h, x[:, t])
            rows = rows.write(t, h)
        return tf.transpose(rows.stack(), [1, 0, 2]), rows.read(0)


class Counted(Steps):
    """The same again, as a loop of TensorFlow's."""

    def call(self, x):
        steps = tf.shape(x)[1]
        parts = tf.TensorArray(x.dtype, size=steps).unstack(tf.transpose(x, [1, 0, 2]))
        rows = tf.TensorArray(x.dtype, size=steps)

        def body(t, h, rows):
            h = self.step(h, parts.read(t))
            return t + 1, h, rows.write(t, h)

        _, h, rows = tf.while_loop(
            lambda t, *_: t < steps, body, [tf.constant(0), self.start(x), rows]
        )
        return rows.concat(), h
