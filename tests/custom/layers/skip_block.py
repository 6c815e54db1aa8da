import tensorflow as tf


class SkipBlock(tf.keras.layers.Layer):
    def __init__(self, filters, step=1, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.activation = tf.keras.activations.get(activation)
        conv = lambda size, stride: tf.keras.layers.Conv2D(
            filters, size, strides=stride, padding="same", use_bias=False
        )
        self.trunk = [
            conv(3, step),
            tf.keras.layers.BatchNormalization(),
            self.activation,
            conv(3, 1),
            tf.keras.layers.BatchNormalization(),
        ]
        self.side = []
        if step > 1:
            self.side = [conv(1, step), tf.keras.layers.BatchNormalization()]

    def call(self, inputs):
        x = inputs
        for part in self.trunk:
            x = part(x)
        y = inputs
        for part in self.side:
            y = part(y)
        return self.activation(x + y)
