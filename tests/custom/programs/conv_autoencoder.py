import numpy as np
from keras import layers
from keras.models import Model

digits = np.random.default_rng(2).random((48, 12, 12, 1)).astype("float32")


def preprocess(array):
    """Brings images into the range and the shape of the network."""
    return np.reshape(np.clip(array, 0.0, 1.0), (len(array), 12, 12, 1))


train_data, test_data = preprocess(digits[:40]), preprocess(digits[40:])

inputs = layers.Input(shape=(12, 12, 1))

# Encoder
x = layers.Conv2D(6, (3, 3), activation="relu", padding="same")(inputs)
x = layers.MaxPooling2D((2, 2), padding="same")(x)
x = layers.Conv2D(4, (3, 3), activation="relu", padding="same")(x)
x = layers.MaxPooling2D((2, 2), padding="same")(x)

# Decoder
x = layers.Conv2DTranspose(4, (3, 3), strides=2, activation="relu", padding="same")(x)
x = layers.Conv2DTranspose(6, (3, 3), strides=2, activation="relu", padding="same")(x)
x = layers.Conv2D(1, (3, 3), activation="sigmoid", padding="same")(x)

autoencoder = Model(inputs, x)
autoencoder.compile(optimizer="adam", loss="binary_crossentropy")
autoencoder.summary()

history = autoencoder.fit(
    x=train_data,
    y=train_data,
    epochs=3,
    batch_size=8,
    shuffle=True,
    validation_data=(test_data, test_data),
)
predictions = autoencoder.predict(test_data)
