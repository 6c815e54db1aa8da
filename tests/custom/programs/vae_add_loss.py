import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

original_dim, latent_dim = 20, 2


class KLDivergenceLayer(layers.Layer):
    """Adds the divergence to the loss and returns the mean of z."""

    def __init__(self, weight=1.0, **kwargs):
        super().__init__(**kwargs)
        self.weight = weight

    def call(self, inputs):
        mean, log_var = inputs
        kl = -0.5 * tf.reduce_mean(log_var - tf.square(mean) - tf.exp(log_var) + 1)
        self.add_loss(self.weight * kl)
        return mean


class VAE(keras.Model):
    def __init__(self, hidden=12, **kwargs):
        super().__init__(**kwargs)
        self.hidden = layers.Dense(hidden, activation="relu")
        self.mean = layers.Dense(latent_dim)
        self.log_var = layers.Dense(latent_dim)
        self.divergence = KLDivergenceLayer(0.5)
        self.decoder = keras.Sequential(
            [layers.Dense(hidden, activation="relu"), layers.Dense(original_dim, activation="sigmoid")]
        )

    def call(self, x):
        h = self.hidden(x)
        z = self.divergence([self.mean(h), self.log_var(h)])
        return self.decoder(z)


x_train = np.random.default_rng(4).random((96, original_dim)).astype("float32")
vae = VAE()
optimizer = keras.optimizers.Adam(learning_rate=1e-3)
vae.compile(optimizer, loss=keras.losses.MeanSquaredError())
history = vae.fit(x_train, x_train, epochs=3, batch_size=24)
