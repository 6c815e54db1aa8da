import tensorflow as tf


class InvertedResidual(tf.keras.layers.Layer):
    def __init__(self, expand, out_channels, stride=1):
        super().__init__()
        self.expand = expand
        self.out_channels = out_channels
        self.stride = stride

    def build(self, input_shape):
        in_channels = input_shape[-1]
        self.use_res = self.stride == 1 and in_channels == self.out_channels
        self.block = tf.keras.Sequential([
            tf.keras.layers.Conv2D(in_channels * self.expand, 1, use_bias=False),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.ReLU(max_value=6.0),
            tf.keras.layers.DepthwiseConv2D(3, strides=self.stride, padding="same", use_bias=False),
            tf.keras.layers.BatchNormalization(),
            tf.keras.layers.Lambda(tf.nn.relu6),
            tf.keras.layers.Conv2D(self.out_channels, 1, use_bias=False),
            tf.keras.layers.BatchNormalization(),
        ])

    def call(self, x, training=None):
        y = self.block(x, training=training)
        return x + y if self.use_res else y
