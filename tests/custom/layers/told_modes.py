import keras
import tensorflow as tf
from keras import layers


class BN(layers.BatchNormalization):
    def call(self, inputs, training=None, mask=None):
        return super().call(inputs, training, mask)


class Mine(layers.Layer):
    def __init__(self, units=4):
        super().__init__()
        self.dense = layers.Dense(units)
        self.bn = layers.BatchNormalization()
        self.drop = layers.Dropout(0.0)

    def call(self, x, training=None):
        x = self.bn(self.dense(x), training=False)
        return self.drop(x, training=True)


class Child(Mine):
    def call(self, x, training=None):
        y = super().call(x, training)
        z = super().call(x, training=training)
        return y * z


class Three(layers.Layer):
    def __init__(self):
        super().__init__()
        self.bn = layers.BatchNormalization()
        self.other = layers.BatchNormalization()

    def call(self, x, training=None):
        x = self.bn(x, training=training and True)
        return self.block(x, training)

    def block(self, x, training):
        return self.other(x, training=training)
