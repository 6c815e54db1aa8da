import tensorflow as tf
from tensorflow.keras import layers


class FourierBlock(layers.Layer):
    """Mixes the steps by a Fourier transform in place of attention."""

    def __init__(self, width, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.norm = layers.LayerNormalization(epsilon=1e-6)
        self.mlp = tf.keras.Sequential([layers.Dense(2 * width, activation="gelu"), layers.Dense(width)])

    def call(self, inputs):
        spectrum = tf.signal.fft2d(tf.cast(inputs, dtype=tf.dtypes.complex64))
        mixed = tf.cast(tf.math.real(spectrum), dtype=tf.dtypes.float32)
        x = self.norm(mixed + inputs)
        return x + self.mlp(x)
