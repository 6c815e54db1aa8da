import keras
import tensorflow as tf
from keras import backend as K


class AngularMargin(keras.layers.Layer):
    '''Logits from angles; that of the right class is made harder by a margin.'''

    def __init__(self, classes=4, scale=16.0, margin=0.3, regularizer=None, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.scale = scale
        self.margin = margin
        self.regularizer = keras.regularizers.get(regularizer)

    def build(self, input_shape):
        super().build(input_shape[0])
        self.W = self.add_weight(name='W', shape=(input_shape[0][-1], self.classes),
                                 initializer='glorot_uniform', trainable=True, regularizer=self.regularizer)

    def call(self, inputs):
        x, y = inputs
        cosine = tf.nn.l2_normalize(x, axis=1) @ tf.nn.l2_normalize(self.W, axis=0)
        # the derivative of acos is infinite at the ends
        angle = tf.acos(K.clip(cosine, -1.0 + K.epsilon(), 1.0 - K.epsilon()))
        cosine = cosine * (1 - y) + tf.cos(angle + self.margin) * y
        return tf.nn.softmax(cosine * self.scale)
