import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers
import tensorflow.keras.backend as K


class KL(layers.Layer):
    def __init__(self, weight=0.1, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight
        self.dense = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=keras.regularizers.l1(0.01))

    def call(self, inputs):
        mean, var = inputs
        loss = -0.5 * tf.reduce_sum(1 + var - tf.square(mean) - tf.exp(var), axis=-1)
        self.add_loss(self.weight * tf.reduce_mean(loss))
        self.add_loss([K.mean(K.square(mean)), K.mean(K.abs(var))])
        return self.dense(mean)


class Outer(keras.Model):
    def __init__(self):
        super().__init__()
        self.kl = KL()

    def call(self, inputs):
        y = self.kl(inputs)
        self.add_loss(tf.reduce_sum(y) * 0.01)
        return y
