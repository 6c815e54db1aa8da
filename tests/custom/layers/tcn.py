import keras
from keras import layers


class ResidualBlock(layers.Layer):
    def __init__(self, filters, kernel_size, dilation_rate, dropout=0.0, **kwargs):
        super().__init__(**kwargs)
        self.filters = filters
        self.conv1 = layers.Conv1D(filters, kernel_size, dilation_rate=dilation_rate, padding="causal")
        self.conv2 = layers.Conv1D(filters, kernel_size, dilation_rate=dilation_rate, padding="causal")
        self.drop = layers.SpatialDropout1D(dropout)
        self.shortcut = None

    def build(self, input_shape):
        if input_shape[-1] != self.filters:
            self.shortcut = layers.Conv1D(self.filters, 1, padding="same", name="matching")
        super().build(input_shape)

    def call(self, x, training=None):
        y = keras.activations.relu(self.conv1(x))
        y = self.drop(y, training=training)
        y = keras.activations.relu(self.conv2(y))
        y = self.drop(y, training=training)
        res = x if self.shortcut is None else self.shortcut(x)
        return keras.activations.relu(res + y)


class TCN(keras.Model):
    def __init__(self, filters=4, kernel_size=2, dilations=(1, 2, 4)):
        super().__init__()
        self.blocks = [ResidualBlock(filters, kernel_size, d) for d in dilations]
        self.out = layers.Dense(1)

    def call(self, x, training=None):
        for block in self.blocks:
            x = block(x, training=training)
        return self.out(x[:, -1])
