import tensorflow as tf
from tensorflow.keras.layers import Layer


class DecoratedDense(Layer):

    def __init__(self, units=32, activation=None):
        '''Remembers the number of units and the activation'''
        super(DecoratedDense, self).__init__()
        self.units = units
        self.activation = tf.keras.activations.get(activation)

    def build(self, input_shape):
        '''Makes the weights'''
        w_init = tf.random_normal_initializer()
        self.w = self.add_weight(name="kernel", shape=(input_shape[-1], self.units),
                                 initializer=w_init, dtype='float32')
        b_init = tf.zeros_initializer()
        self.b = self.add_weight(name="bias", shape=(self.units,), initializer=b_init)
        super().build(input_shape)

    @tf.function
    def call(self, inputs):
        '''inputs times weights plus bias'''
        return self.activation(tf.matmul(inputs, self.w) + self.b)
