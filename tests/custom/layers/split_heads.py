import tensorflow as tf
from tensorflow.keras.layers import Dense, Layer


class SplitHeads(Layer):
    def __init__(self, width, heads=4):
        super(SplitHeads, self).__init__()
        if width % heads:
            raise ValueError(f"{width} features do not divide into {heads} heads")
        self.width, self.heads = width, heads
        self.depth = width // heads
        self.to_q, self.to_k, self.to_v = Dense(width), Dense(width), Dense(width)
        self.join = Dense(width)

    def split(self, x):
        batch, steps = tf.shape(x)[0], tf.shape(x)[1]
        x = tf.reshape(x, [batch, steps, self.heads, self.depth])
        return tf.transpose(x, perm=[0, 2, 1, 3])

    @staticmethod
    def weigh(q, k, v):
        logits = tf.matmul(q, k, transpose_b=True)
        logits = logits / tf.math.sqrt(tf.cast(tf.shape(k)[-1], logits.dtype))
        return tf.matmul(tf.nn.softmax(logits, axis=-1), v)

    def call(self, inputs):
        q, k, v = (self.split(f(inputs)) for f in (self.to_q, self.to_k, self.to_v))
        heads = tf.transpose(self.weigh(q, k, v), perm=[0, 2, 1, 3])
        return self.join(tf.reshape(heads, (tf.shape(inputs)[0], -1, self.width)))
