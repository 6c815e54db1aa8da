import tensorflow as tf


def forbidden(size):
    """Ones above the diagonal: the future."""
    return 1 - tf.linalg.band_part(tf.ones((size, size)), -1, 0)


class MaskedHeads(tf.keras.layers.Layer):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.width = width
        self.q = tf.keras.layers.Dense(width)
        self.k = tf.keras.layers.Dense(width)
        self.v = tf.keras.layers.Dense(width)
        self.out = tf.keras.layers.Dense(width)

    def apart(self, x, batch):
        x = tf.reshape(x, (batch, -1, self.heads, self.width // self.heads))
        return tf.transpose(x, perm=[0, 2, 1, 3])

    def call(self, v, k, q):
        batch = tf.shape(q)[0]
        q, k, v = self.apart(self.q(q), batch), self.apart(self.k(k), batch), self.apart(self.v(v), batch)
        depth = tf.cast(tf.shape(k)[-1], tf.float32)
        logits = tf.matmul(q, k, transpose_b=True) / tf.math.sqrt(depth)
        logits += forbidden(tf.shape(q)[2]) * -1e9
        weights = tf.nn.softmax(logits, axis=-1)
        seen = tf.transpose(tf.matmul(weights, v), perm=[0, 2, 1, 3])
        return self.out(tf.reshape(seen, (batch, -1, self.width))), weights
