import tensorflow as tf
from tensorflow.keras import backend as K
from tensorflow.keras import layers


class Upsample(layers.Layer):
    """Shapes that are computed with."""

    def __init__(self, factor, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def causal(self, batch_size, steps, dtype):
        i = tf.range(steps)[:, None]
        mask = tf.reshape(tf.cast(i >= tf.range(steps), dtype), [1, steps, steps])
        # once for each sample
        times = tf.concat([batch_size[..., tf.newaxis], tf.constant([1, 1], dtype=tf.int32)], 0)
        return tf.tile(mask, times)

    def call(self, x):
        with tf.name_scope("larger"):
            x = tf.image.resize(x, tf.shape(x)[1:3] * self.factor, method="nearest")
        b, _, w, c = tf.unstack(tf.shape(x), num=4)
        halves = tf.concat([tf.shape(x)[:-1], [2], [c // 2]], axis=0)
        x = tf.reduce_sum(tf.reshape(x, halves), axis=-2)
        return tf.matmul(self.causal(b, w, x.dtype)[:, None], x)


class Interaction(layers.Layer):
    """Lists of tensors that TensorFlow stacks by itself; a step of its own for K.rnn."""

    def build(self, input_shape):
        size = input_shape[-1]
        self.w = self.add_weight(name="w", shape=(size, size), initializer="orthogonal")

    def call(self, x, mask=None):
        dim = int(x.get_shape()[-1])
        parts = tf.split(x, dim * [1], 2)
        pairs = tf.transpose(tf.matmul(parts, parts, transpose_b=True), [1, 0, 2, 3])

        def step(x_t, states):
            h = K.tanh(x_t + K.dot(states[0], self.w))
            return h, [h]

        first = [K.zeros_like(x[:, 0])]
        last, outputs, _ = K.rnn(step, x, first, mask=mask, go_backwards=True)
        return outputs + K.expand_dims(last, 1), pairs
