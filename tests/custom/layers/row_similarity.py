from keras import backend as K
from keras.layers import Layer


class RowSimilarity(Layer):
    '''Tells every row of a batch how near the others are.'''

    def __init__(self, kernels, dim, **kwargs):
        self.kernels = kernels
        self.dim = dim
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.W = self.add_weight(shape=(self.kernels, input_shape[1], self.dim),
                                 initializer='glorot_uniform', name='kernel', trainable=True)
        super().build(input_shape)

    def call(self, x, mask=None):
        flat = K.reshape(K.permute_dimensions(self.W, (1, 0, 2)), (-1, self.kernels * self.dim))
        act = K.reshape(K.dot(x, flat), (-1, self.kernels, self.dim))
        diff = K.expand_dims(act, 3) - K.expand_dims(K.permute_dimensions(act, [1, 2, 0]), 0)
        near = K.sum(K.exp(-K.sum(K.abs(diff), axis=2)), axis=2)
        return K.concatenate([x, near], 1)
