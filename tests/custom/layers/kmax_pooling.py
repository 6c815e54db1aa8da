import tensorflow as tf


class KMaxPooling(tf.keras.layers.Layer):
    """The k largest values over time, in falling order."""

    def __init__(self, k=2, **kwargs):
        super().__init__(**kwargs)
        self.k = k

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[2] * self.k)

    def call(self, inputs):
        # swap last two dimensions since top_k will be applied along the last dimension
        shifted = tf.transpose(inputs, [0, 2, 1])
        top_k = tf.nn.top_k(shifted, k=self.k, sorted=True, name=None)[0]
        return tf.reshape(top_k, (-1, top_k.shape[1] * top_k.shape[2]))
