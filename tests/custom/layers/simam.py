import tensorflow as tf
from tensorflow.keras import backend as K


class SimAM(tf.keras.layers.Layer):
    def __init__(self, lam=1e-4, **kwargs):
        self.lam = lam
        super(SimAM, self).__init__(**kwargs)

    def call(self, inputs):
        n = K.cast(K.shape(inputs)[1] * K.shape(inputs)[2] - 1, inputs.dtype)
        d = K.square(inputs - K.mean(inputs, axis=(1, 2), keepdims=True))
        v = K.sum(d, axis=(1, 2), keepdims=True) / n
        e = d / (4 * (v + self.lam)) + 0.5
        return inputs * K.sigmoid(e)
