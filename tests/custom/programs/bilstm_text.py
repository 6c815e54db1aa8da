import numpy as np
import keras
from keras import layers

max_features = 200  # words that are known
maxlen = 12  # words of a review that are read

rng = np.random.default_rng(5)
reviews = [list(rng.integers(1, max_features, rng.integers(3, 20))) for _ in range(80)]
y_train = rng.integers(0, 2, 80)

# as many word numbers as there are
inputs = keras.Input(shape=(None,), dtype="int32")
# every word a vector
x = layers.Embedding(max_features, 8)(inputs)
# read in both directions, twice
x = layers.Bidirectional(layers.LSTM(6, return_sequences=True))(x)
x = layers.Bidirectional(layers.LSTM(6))(x)
# good or bad
outputs = layers.Dense(1, activation="sigmoid")(x)
model = keras.Model(inputs, outputs)
model.summary()

# all reviews get the same length
x_train = keras.utils.pad_sequences(reviews[:60], maxlen=maxlen)
x_val = keras.utils.pad_sequences(reviews[60:], maxlen=maxlen)

model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
history = model.fit(x_train, y_train[:60], batch_size=20, epochs=2, validation_data=(x_val, y_train[60:]))
