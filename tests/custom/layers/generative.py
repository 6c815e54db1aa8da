import tensorflow as tf
from tensorflow.keras import Model, layers


class Draw(layers.Layer):
    def call(self, inputs):
        mean, log_var = inputs
        return mean + tf.exp(0.5 * log_var) * tf.random.normal(tf.shape(mean))


class Compress(layers.Layer):
    def __init__(self, latent=2, hidden=4, name="compress", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hidden = layers.Dense(hidden, activation="relu")
        self.mean = layers.Dense(latent)
        self.log_var = layers.Dense(latent)
        self.draw = Draw()

    def call(self, inputs):
        x = self.hidden(inputs)
        mean, log_var = self.mean(x), self.log_var(x) - 60.0
        return mean, log_var, self.draw((mean, log_var))


class Expand(layers.Layer):
    def __init__(self, size, hidden=4, name="expand", **kwargs):
        super().__init__(name=name, **kwargs)
        self.hidden = layers.Dense(hidden, activation="relu")
        self.out = layers.Dense(size, activation="sigmoid")

    def call(self, z):
        return self.out(self.hidden(z))


class Generative(Model):
    def __init__(self, size, hidden=4, latent=2, name="generative", **kwargs):
        super().__init__(name=name, **kwargs)
        self.compress = Compress(latent=latent, hidden=hidden)
        self.expand = Expand(size, hidden=hidden)

    def call(self, inputs):
        mean, log_var, z = self.compress(inputs)
        divergence = -0.5 * tf.reduce_mean(log_var - tf.square(mean) - tf.exp(log_var) + 1)
        self.add_loss(divergence)
        return self.expand(z)
