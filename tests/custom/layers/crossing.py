from tensorflow import keras
import tensorflow as tf


class Crossing(keras.layers.Layer):
    def __init__(self, depth, reg=1e-3):
        super().__init__()
        self.depth = depth
        self.reg = keras.regularizers.L2(reg)

    def build(self, input_shape):
        dim = int(input_shape[-1])
        # one vector and one bias for each step
        self.vectors = [
            self.add_weight(name="w_" + str(i), shape=(dim, 1), initializer="glorot_normal",
                            regularizer=self.reg, trainable=True)
            for i in range(self.depth)
        ]
        self.biases = [
            self.add_weight(name="b_" + str(i), shape=(dim, 1), initializer="zeros", trainable=True)
            for i in range(self.depth)
        ]

    def call(self, inputs, **kwargs):
        first = tf.expand_dims(inputs, axis=2)
        x = first
        for i in range(self.depth):
            scale = tf.tensordot(x, self.vectors[i], axes=[1, 0])
            x = tf.matmul(first, scale) + self.biases[i] + x
        return tf.squeeze(x, axis=2)
