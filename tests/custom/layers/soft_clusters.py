from tensorflow.keras.layers import Layer, InputSpec
import tensorflow.keras.backend as K


class SoftClusters(Layer):
    '''How near a row is to every centre, by Student's distribution.'''

    def __init__(self, clusters, alpha=1.0, weights=None, **kwargs):
        super(SoftClusters, self).__init__(**kwargs)
        self.clusters = clusters
        self.alpha = alpha
        self.first_weights = weights
        self.input_spec = InputSpec(ndim=2)

    def build(self, input_shape):
        dim = input_shape[1]
        self.input_spec = InputSpec(dtype=K.floatx(), shape=(None, dim))
        self.centres = self.add_weight(shape=(self.clusters, dim), initializer='glorot_uniform', name='centres')
        if self.first_weights is not None:
            self.set_weights(self.first_weights)
            del self.first_weights
        self.built = True

    def call(self, inputs, **kwargs):
        far = K.sum(K.square(K.expand_dims(inputs, axis=1) - self.centres), axis=2)
        q = 1.0 / (1.0 + far / self.alpha)
        q **= (self.alpha + 1.0) / 2.0
        return K.transpose(K.transpose(q) / K.sum(q, axis=1))

    def compute_output_shape(self, input_shape):
        return input_shape[0], self.clusters

    def get_config(self):
        base = super(SoftClusters, self).get_config()
        return dict(list(base.items()) + list({'clusters': self.clusters, 'alpha': self.alpha}.items()))
