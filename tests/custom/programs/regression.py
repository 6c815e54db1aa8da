from tensorflow import keras
from tensorflow.keras import layers
import numpy as np

rng = np.random.default_rng(24)
raw = rng.normal(size=(150, 7)).astype('float32')
labels = (raw[:, 0] * 2 - raw[:, 1] + 0.1 * rng.normal(size=150)).astype('float32')


def norm(x):
    return (x - raw.mean(axis=0)) / raw.std(axis=0)


def build_model():
    model = keras.Sequential([
        layers.Dense(16, activation='relu', input_shape=[7]),
        layers.Dense(16, activation='relu'),
        layers.Dense(1)
    ])
    optimizer = keras.optimizers.RMSprop(0.001)
    model.compile(loss='mse', optimizer=optimizer, metrics=['mae', 'mse'])
    return model


model = build_model()
print(model.predict(norm(raw[:10])).shape)

# The patience parameter is the amount of epochs to check for improvement
early_stop = keras.callbacks.EarlyStopping(monitor='val_loss', patience=2, restore_best_weights=True)
history = model.fit(norm(raw), labels, epochs=6, validation_split=0.2, verbose=0, callbacks=[early_stop])
loss, mae, mse = model.evaluate(norm(raw), labels, verbose=2)
test_predictions = model.predict(norm(raw)).flatten()
