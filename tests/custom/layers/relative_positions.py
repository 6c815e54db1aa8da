import tensorflow as tf
from tensorflow.keras.layers import Layer


class RelativePositionBias(Layer):
    """Adds to the scores what depends on the distance alone."""

    def __init__(self, num_buckets=8, n_heads=2, **kwargs):
        super().__init__(**kwargs)
        self.num_buckets = num_buckets
        self.n_heads = n_heads

    def build(self, input_shape):
        self.bias = self.add_weight(
            name="rel", shape=(self.num_buckets, self.n_heads),
            initializer=tf.keras.initializers.TruncatedNormal(stddev=0.02),
        )

    def call(self, scores):
        q_len, k_len = tf.shape(scores)[-2], tf.shape(scores)[-1]
        context = tf.range(q_len)[:, None]
        memory = tf.range(k_len)[None, :]
        relative = memory - context
        half = self.num_buckets // 2
        bucket = tf.where(relative > 0, half, 0)
        bucket += tf.minimum(tf.abs(relative), half - 1)
        values = tf.gather(self.bias, bucket)
        return scores + tf.transpose(values, [2, 0, 1])[tf.newaxis]
