from keras import backend as K
from keras import activations, initializers, regularizers
from keras.layers import Layer


class GraphBasis(Layer):
    def __init__(self, units, activation=None, use_bias=True, kernel_initializer='glorot_uniform',
                 kernel_regularizer=None, **kwargs):
        super(GraphBasis, self).__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)

    def build(self, input_shapes):
        nodes_shape, _ = input_shapes
        self.kernel = self.add_weight(shape=(nodes_shape[-1], self.units),
                                      initializer=self.kernel_initializer,
                                      regularizer=self.kernel_regularizer,
                                      name='kernel')
        if self.use_bias:
            self.bias = self.add_weight(shape=(self.units,), initializer='zeros', name='bias')
        else:
            self.bias = None
        super(GraphBasis, self).build(input_shapes)

    def call(self, inputs, mask=None):
        nodes, adjacency = inputs
        out = K.dot(K.batch_dot(adjacency, nodes), self.kernel)
        if self.use_bias:
            out = K.bias_add(out, self.bias)
        return self.activation(out)

    def compute_output_shape(self, input_shapes):
        return input_shapes[0][:-1] + (self.units,)
