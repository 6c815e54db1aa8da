import tensorflow as tf
from tensorflow.keras.layers import Layer


class AddNoise(Layer):
    def __init__(self, stddev=0.1, **kwargs):
        super(AddNoise, self).__init__(**kwargs)
        self.supports_masking = True
        self.stddev = stddev

    def call(self, inputs, training=None):
        if training:
            noise = tf.random.normal(shape=tf.shape(inputs), mean=0., stddev=self.stddev, dtype=inputs.dtype)
            return inputs + noise
        return inputs

    def get_config(self):
        return {**super().get_config(), "stddev": self.stddev}
