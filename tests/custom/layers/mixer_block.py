import keras
from keras import layers


def two_layers(inner, outer, rate):
    return keras.Sequential(
        [layers.Dense(units=inner, activation="gelu"), layers.Dense(units=outer), layers.Dropout(rate=rate)]
    )


class MixerBlock(layers.Layer):
    def __init__(self, patches, width, rate=0.0, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.over_patches = two_layers(patches, patches, rate)
        self.over_channels = two_layers(2 * width, width, rate)
        self.norm = layers.LayerNormalization(epsilon=1e-6)

    def build(self, input_shape):
        return super().build(input_shape)

    def call(self, inputs):
        x = self.norm(inputs)
        # (batch, patches, channels) -> (batch, channels, patches) and back
        mixed = keras.ops.transpose(self.over_patches(keras.ops.transpose(x, axes=(0, 2, 1))), axes=(0, 2, 1))
        x = mixed + inputs
        return x + self.over_channels(self.norm(x))
