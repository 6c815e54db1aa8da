from tensorflow.keras.layers import Layer
import tensorflow as tf


class PeriodVector(Layer):
    def __init__(self, steps, **kwargs):
        super(PeriodVector, self).__init__()
        self.steps = steps

    def build(self, input_shape):
        '''A line and a wave for every step'''
        self.line_w = self.add_weight(name='line_w',
                                    shape=(int(self.steps),),
                                    initializer='uniform',
                                    trainable=True)

        self.line_b = self.add_weight(name='line_b',
                                    shape=(int(self.steps),),
                                    initializer='uniform',
                                    trainable=True)

        self.wave_w = self.add_weight(name='wave_w', shape=(int(self.steps),), initializer='uniform')
        self.wave_b = self.add_weight(name='wave_b', shape=(int(self.steps),), initializer='uniform')

    def call(self, x):
        x = tf.math.reduce_mean(x[:,:,:3], axis=-1)
        line = tf.expand_dims(self.line_w * x + self.line_b, axis=-1) # (batch, steps, 1)
        wave = tf.math.sin(tf.multiply(x, self.wave_w) + self.wave_b)
        return tf.concat([line, tf.expand_dims(wave, axis=-1)], axis=-1)
