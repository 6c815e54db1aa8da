import tensorflow as tf
from tensorflow.keras import layers


class NonLocal(layers.Layer):
    def __init__(self, channels, **kwargs):
        super(NonLocal, self).__init__(**kwargs)
        self.f = layers.Conv2D(channels // 2, 1)
        self.g = layers.Conv2D(channels // 2, 1)
        self.h = layers.Conv2D(channels, 1)

    def build(self, input_shape):
        self.gamma = self.add_weight(name='gamma', shape=[1], initializer='zeros')
        super(NonLocal, self).build(input_shape)

    def hw_flatten(self, x):
        return tf.reshape(x, shape=[tf.shape(x)[0], tf.shape(x)[1] * tf.shape(x)[2], x.shape[-1]])

    def call(self, x):
        f, g, h = self.f(x), self.g(x), self.h(x)
        s = tf.matmul(self.hw_flatten(g), self.hw_flatten(f), transpose_b=True)  # [bs, N, N]
        beta = tf.nn.softmax(s)
        o = tf.matmul(beta, self.hw_flatten(h))
        o = tf.reshape(o, shape=tf.shape(x))
        return self.gamma * o + x
