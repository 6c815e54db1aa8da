import keras
import numpy as np

rng = np.random.default_rng(19)
x_train = rng.normal(size=(100, 8)).astype("float32")
y_train = rng.integers(0, 4, 100).astype("float32")

sample_weight = np.ones(shape=(len(y_train),))
sample_weight[y_train == 3] = 2.0


def bare_model():
    inputs = keras.Input(shape=(8,), name="digits")
    x = keras.layers.Dense(16, activation="relu", name="dense_1")(inputs)
    x = keras.layers.Dense(16, activation="relu", name="dense_2")(x)
    outputs = keras.layers.Dense(4, activation="softmax", name="predictions")(x)
    model = keras.Model(inputs=inputs, outputs=outputs)
    return model


def ready_model():
    model = bare_model()
    model.compile(
        optimizer="rmsprop",
        loss="sparse_categorical_crossentropy",
        metrics=["sparse_categorical_accuracy"],
        weighted_metrics=["accuracy"],
    )
    return model


model = ready_model()
print("the last class counts twice")
history = model.fit(x_train, y_train, sample_weight=sample_weight, batch_size=32, epochs=2)
result = model.evaluate(x_train, y_train, sample_weight=sample_weight, batch_size=50)
