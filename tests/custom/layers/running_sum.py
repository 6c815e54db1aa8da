import tensorflow as tf
from tensorflow import keras


class Known(keras.layers.Layer):
    def __init__(self, units=32, input_dim=32):
        super().__init__()
        self.w = self.add_weight(shape=(input_dim, units), initializer="random_normal")
        self.b = self.add_weight(shape=(units,), initializer="zeros")

    def call(self, inputs):
        return tf.matmul(inputs, self.w) + self.b


class RunningSum(keras.layers.Layer):
    def __init__(self, dim):
        super(RunningSum, self).__init__()
        self.total = self.add_weight(initializer="zeros", shape=(dim,), trainable=False)

    def call(self, inputs):
        self.total.assign_add(tf.reduce_sum(inputs, axis=0))
        return self.total


class SumAndLine(keras.Model):
    def __init__(self, features, units):
        super().__init__(name="both")
        self.sum = RunningSum(features)
        self.line = Known(units, features)

    def call(self, x):
        return self.line(x) + tf.reduce_mean(self.sum(x))
