from tensorflow.keras import backend as K
from tensorflow.keras.layers import Layer


class KLSampling(Layer):
    def __init__(self, beta=1.0, *args, **kwargs):
        super(KLSampling, self).__init__(*args, **kwargs)
        self.beta = beta

    def call(self, inputs):
        mu, log_var = inputs
        kl = -0.5 * K.sum(1 + log_var - K.square(mu) - K.exp(log_var), axis=-1)
        self.add_loss(self.beta * K.mean(kl))
        eps = K.random_normal(shape=K.shape(mu), mean=0.0, stddev=1.0)
        return mu + K.exp(log_var / 2) * eps
