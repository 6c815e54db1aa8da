import tensorflow as tf
from tensorflow.keras import layers


class WSConv2D(layers.Conv2D):
    def __init__(self, *args, eps=1e-5, **kwargs):
        super().__init__(*args, **kwargs)
        self.eps = eps

    def call(self, inputs):
        mean = tf.reduce_mean(self.kernel, axis=[0, 1, 2], keepdims=True)
        var = tf.math.reduce_variance(self.kernel, axis=[0, 1, 2], keepdims=True)
        kernel = (self.kernel - mean) / tf.sqrt(var + self.eps)
        out = tf.nn.conv2d(inputs, kernel, strides=self.strides, padding=self.padding.upper())
        return tf.nn.bias_add(out, self.bias)
