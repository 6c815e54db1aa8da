"""A small convolutional network on the digits."""

import keras
import numpy as np
from keras import layers

# What the digits look like
num_classes = 10
input_shape = (28, 28, 1)

# Digits to learn from, and others to be tested on
(x_train, y_train), (x_test, y_test) = keras.datasets.mnist.load_data()

# bytes become fractions
x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255
# one channel
x_train = np.expand_dims(x_train, -1)
x_test = np.expand_dims(x_test, -1)
print(f"{len(x_train)} digits to learn from, of shape {x_train.shape[1:]}")

# numbers become rows with a single one
y_train = keras.utils.to_categorical(y_train, num_classes)
y_test = keras.utils.to_categorical(y_test, num_classes)

model = keras.Sequential(
    [
        keras.Input(shape=input_shape),
        layers.Conv2D(8, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Conv2D(12, kernel_size=(3, 3), activation="relu"),
        layers.MaxPooling2D(pool_size=(2, 2)),
        layers.Flatten(),
        layers.Dropout(0.5),
        layers.Dense(num_classes, activation="softmax"),
    ]
)
model.summary()

batch_size = 32
epochs = 2
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, validation_split=0.1)

score = model.evaluate(x_test, y_test, verbose=0)
print("loss and accuracy on unseen digits:", *score)
