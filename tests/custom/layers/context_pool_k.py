from keras import backend as K
from keras.layers import Layer


class ContextPool(Layer):
    '''Weighs the steps by how well they fit a learned vector, and sums them.'''

    def __init__(self, bias=True, **kwargs):
        self.supports_masking = True
        self.bias = bias
        super(ContextPool, self).__init__(**kwargs)

    def build(self, input_shape):
        assert len(input_shape) == 3
        self.W = self.add_weight(shape=(input_shape[-1], input_shape[-1]), initializer="glorot_uniform", name="W")
        if self.bias:
            self.b = self.add_weight(shape=(input_shape[-1],), initializer="zero", name="b")
        self.u = self.add_weight(shape=(input_shape[-1],), initializer="glorot_uniform", name="u")
        super(ContextPool, self).build(input_shape)

    def compute_mask(self, input, input_mask=None):
        return None  # the steps are gone

    def call(self, x, mask=None):
        h = K.dot(x, self.W)
        if self.bias:
            h += self.b
        a = K.exp(K.sum(K.tanh(h) * self.u, axis=-1))
        if mask is not None:
            a *= K.cast(mask, K.floatx())
        a /= K.cast(K.sum(a, axis=1, keepdims=True) + K.epsilon(), K.floatx())
        return K.sum(x * K.expand_dims(a), axis=1)

    def compute_output_shape(self, input_shape):
        return input_shape[0], input_shape[-1]
