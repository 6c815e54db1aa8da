from keras import initializers
from keras.layers import Layer
from keras import ops


class RBFLayer(Layer):
    """Gaussian bumps around learned centres."""

    def __init__(self, output_dim, initializer=None, betas=1.0, **kwargs):
        self.output_dim = output_dim
        self.init_betas = betas
        if not initializer:
            self.initializer = initializers.RandomUniform(0.0, 1.0)
        else:
            self.initializer = initializer
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.centers = self.add_weight(name='centers',
                                       shape=(self.output_dim, input_shape[1]),
                                       initializer=self.initializer,
                                       trainable=True)
        self.betas = self.add_weight(name='betas',
                                     shape=(self.output_dim,),
                                     initializer=initializers.Constant(value=self.init_betas),
                                     trainable=True)
        super().build(input_shape)

    def call(self, x):
        C = ops.expand_dims(self.centers, -1)
        H = ops.transpose(C - ops.transpose(x))
        return ops.exp(-self.betas * ops.sum(H**2, axis=1))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)
