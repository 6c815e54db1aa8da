import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, losses, backend as K
from tensorflow.keras.models import Model

np.random.seed(4)
x_train = np.random.rand(60, 8, 8).astype('float32')
x_test = np.random.rand(20, 8, 8).astype('float32')
noise_factor = 0.2
x_train_noisy = np.clip(x_train + noise_factor * np.random.normal(size=x_train.shape), 0., 1.).astype('float32')
x_test_noisy = np.clip(x_test + noise_factor * np.random.normal(size=x_test.shape), 0., 1.).astype('float32')

latent_dim = 6


class Autoencoder(Model):
    def __init__(self, latent_dim):
        super(Autoencoder, self).__init__()
        self.latent_dim = latent_dim
        self.encoder = tf.keras.Sequential([
            layers.Flatten(),
            layers.Dense(24, activation='relu'),
            layers.Dense(latent_dim, activation='relu'),
        ])
        self.decoder = tf.keras.Sequential([
            layers.Dense(64, activation='sigmoid'),
            layers.Reshape((8, 8))
        ])

    def call(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded


def weighted_mse(y_true, y_pred):
    # bright pixels count twice
    weights = 1.0 + K.cast(K.greater(y_true, 0.5), K.floatx())
    return K.mean(weights * K.square(y_pred - y_true), axis=[1, 2])


autoencoder = Autoencoder(latent_dim)
autoencoder.compile(optimizer='adam', loss=weighted_mse, metrics=[losses.MeanSquaredError()])
history = autoencoder.fit(x_train_noisy, x_train, epochs=3, batch_size=20, shuffle=False,
                          validation_data=(x_test_noisy, x_test))
encoded_imgs = autoencoder.encoder(x_test_noisy).numpy()
decoded_imgs = autoencoder.decoder(encoded_imgs).numpy()
mse = np.mean(np.square(decoded_imgs - x_test), axis=(1, 2))
threshold = float(np.mean(mse) + np.std(mse))
flags = (mse > threshold).astype('float32')
