import keras
from keras import layers, ops


class ChannelAttention(layers.Layer):
    def __init__(self, ratio=2):
        super().__init__()
        self.ratio = ratio

    def build(self, input_shape):
        channel = input_shape[-1]
        self.shared_one = layers.Dense(
            channel // self.ratio, activation="relu", kernel_initializer="he_normal"
        )
        self.shared_two = layers.Dense(channel, kernel_initializer="he_normal")

    def call(self, x):
        avg_pool = ops.mean(x, axis=(1, 2), keepdims=True)
        max_pool = ops.max(x, axis=(1, 2), keepdims=True)
        avg_out = self.shared_two(self.shared_one(avg_pool))
        max_out = self.shared_two(self.shared_one(max_pool))
        return x * ops.sigmoid(avg_out + max_out)


class SpatialAttention(layers.Layer):
    def __init__(self, kernel_size=7):
        super().__init__()
        self.conv = layers.Conv2D(
            1, kernel_size, padding="same", activation="sigmoid", use_bias=False
        )

    def call(self, x):
        avg_pool = ops.mean(x, axis=-1, keepdims=True)
        max_pool = ops.max(x, axis=-1, keepdims=True)
        concat = ops.concatenate([avg_pool, max_pool], axis=-1)
        return x * self.conv(concat)


class CBAM(layers.Layer):
    """Convolutional block attention: first over channels, then over places."""

    def __init__(self, ratio=2, kernel_size=7, **kwargs):
        super().__init__(**kwargs)
        self.channel = ChannelAttention(ratio)
        self.spatial = SpatialAttention(kernel_size)

    def call(self, inputs):
        return self.spatial(self.channel(inputs))
