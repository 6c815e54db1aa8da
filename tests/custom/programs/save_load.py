import os

import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(22)
test_input = rng.random((32, 10)).astype("float32")
test_target = rng.random((32, 1)).astype("float32")


def get_model():
    inputs = keras.Input(shape=(10,))
    x = layers.Dense(6, activation="elu")(inputs)
    outputs = layers.Dense(1)(x)
    model = keras.Model(inputs, outputs)
    model.compile(optimizer=keras.optimizers.Adam(), loss="mean_squared_error")
    return model


model = get_model()

history = model.fit(test_input, test_target, epochs=2)

# everything goes into one file
model.save("my_model.keras")

# and comes back from it
again = keras.models.load_model("my_model.keras")

np.testing.assert_allclose(
    model.predict(test_input), again.predict(test_input), rtol=1e-5
)

# the optimizer remembers where it was
resumed = again.fit(test_input, test_target, epochs=2)

os.makedirs("ckpt", exist_ok=True)
model.save_weights("ckpt/model.weights.h5")
fresh = get_model()
fresh.load_weights("ckpt/model.weights.h5")
fresh_loss = fresh.evaluate(test_input, test_target, verbose=0)
copied = get_model()
copied.set_weights(model.get_weights())
copied_loss = copied.evaluate(test_input, test_target, verbose=0)
