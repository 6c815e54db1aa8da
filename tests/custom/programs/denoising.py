import numpy as np
import tensorflow as tf
from tensorflow.keras import layers, losses
from tensorflow.keras.models import Model

rng = np.random.default_rng(14)
x_train = rng.random((48, 8, 8)).astype('float32')[..., tf.newaxis]
noise_factor = 0.2
x_train_noisy = x_train + noise_factor * rng.normal(size=x_train.shape).astype('float32')
x_train_noisy = np.clip(x_train_noisy, 0., 1.)


class Denoise(Model):
    def __init__(self):
        super(Denoise, self).__init__()
        self.encoder = tf.keras.Sequential([
            layers.Input(shape=(8, 8, 1)),
            layers.Conv2D(6, (3, 3), activation='relu', padding='same', strides=2),
            layers.Conv2D(4, (3, 3), activation='relu', padding='same', strides=2)])

        self.decoder = tf.keras.Sequential([
            layers.Conv2DTranspose(4, kernel_size=3, strides=2, activation='relu', padding='same'),
            layers.Conv2DTranspose(6, kernel_size=3, strides=2, activation='relu', padding='same'),
            layers.Conv2D(1, kernel_size=(3, 3), activation='sigmoid', padding='same')])

    def call(self, x):
        encoded = self.encoder(x)
        decoded = self.decoder(encoded)
        return decoded


autoencoder = Denoise()
autoencoder.compile(optimizer='adam', loss=losses.MeanSquaredError())
history = autoencoder.fit(x_train_noisy, x_train,
                          epochs=3,
                          batch_size=12,
                          shuffle=True,
                          validation_data=(x_train_noisy[:8], x_train[:8]))
codes = autoencoder.encoder(x_train_noisy[:4]).numpy()
restored = autoencoder.decoder(codes).numpy()
