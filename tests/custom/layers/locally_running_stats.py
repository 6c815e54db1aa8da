import tensorflow as tf
from tensorflow import keras


class MyBatchNorm(keras.layers.Layer):
    """Normalises with the statistics of the batch, and remembers them for later."""

    def __init__(self, momentum=0.9, epsilon=1e-3, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.epsilon = epsilon

    def build(self, input_shape):
        dim = input_shape[-1]
        self.gamma = self.add_weight(name="gamma", shape=(dim,), initializer="ones")
        self.beta = self.add_weight(name="beta", shape=(dim,), initializer="zeros")
        self.mean = self.add_weight(name="mean", shape=(dim,), initializer="zeros", trainable=False)
        self.var = self.add_weight(name="var", shape=(dim,), initializer="ones", trainable=False)

    def call(self, inputs, training=False):
        if training:
            axes = list(range(len(inputs.shape) - 1))
            batch_mean, batch_var = tf.nn.moments(inputs, axes)
            self.mean.assign(self.momentum * self.mean + (1 - self.momentum) * batch_mean)
            self.var.assign(self.momentum * self.var + (1 - self.momentum) * batch_var)
            mean, var = batch_mean, batch_var
        else:
            mean, var = self.mean, self.var
        return tf.nn.batch_normalization(inputs, mean, var, self.beta, self.gamma, self.epsilon)
