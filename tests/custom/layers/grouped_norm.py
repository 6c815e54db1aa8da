from keras.layers import Layer
from keras import ops, initializers, regularizers, constraints


class GroupedNorm(Layer):
    def __init__(self, groups=2, axis=-1, epsilon=1e-5, center=True, scale=True, beta_initializer='zeros',
                 gamma_initializer='ones', gamma_regularizer=None, gamma_constraint=None, **kwargs):
        super(GroupedNorm, self).__init__(**kwargs)
        self.supports_masking = True
        self.groups = groups
        self.axis = axis
        self.epsilon = epsilon
        self.center = center
        self.scale = scale
        self.beta_initializer = initializers.get(beta_initializer)
        self.gamma_initializer = initializers.get(gamma_initializer)
        self.gamma_regularizer = regularizers.get(gamma_regularizer)
        self.gamma_constraint = constraints.get(gamma_constraint)

    def build(self, input_shape):
        dim = input_shape[self.axis]
        if dim is None:
            raise ValueError('The axis that is normalised must have a size, not ' + str(dim))
        if dim % self.groups != 0:
            raise ValueError('%d channels do not make %d groups' % (dim, self.groups))
        self.gamma = None
        self.beta = None
        if self.scale:
            self.gamma = self.add_weight(shape=(dim,), name='gamma', initializer=self.gamma_initializer,
                                         regularizer=self.gamma_regularizer, constraint=self.gamma_constraint)
        if self.center:
            self.beta = self.add_weight(shape=(dim,), name='beta', initializer=self.beta_initializer)
        self.built = True

    def call(self, inputs, **kwargs):
        b, h, w, c = ops.shape(inputs)
        x = ops.reshape(inputs, [b, h, w, self.groups, c // self.groups])
        x = x - ops.mean(x, axis=[1, 2, 4], keepdims=True)
        x = x / ops.sqrt(ops.var(x, axis=[1, 2, 4], keepdims=True) + self.epsilon)
        x = ops.reshape(x, [b, h, w, c])
        if self.scale:
            x = x * self.gamma
        if self.center:
            x = x + self.beta
        return x
