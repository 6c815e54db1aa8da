import keras
import numpy as np
from keras import layers, ops


class RightAnswers(keras.metrics.Metric):
    def __init__(self, name="right_answers", **kwargs):
        super().__init__(name=name, **kwargs)
        self.right = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        values = ops.cast(y_true, "int32") == ops.cast(y_pred, "int32")
        values = ops.cast(values, self.dtype)
        if sample_weight is not None:
            sample_weight = ops.cast(sample_weight, "float32")
            values = ops.multiply(values, sample_weight)
        self.right.assign_add(ops.sum(values))

    def result(self):
        return self.right

    def reset_state(self):
        # counts start anew with every epoch
        self.right.assign(0.0)


class RootMeanSquare(keras.metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true = ops.one_hot(ops.cast(y_true[:, 0], "int32"), 3)
        return super().update_state(ops.mean(ops.square(y_true - y_pred), axis=-1), sample_weight)

    def result(self):
        return ops.sqrt(super().result())


rng = np.random.default_rng(17)
x = rng.normal(size=(90, 4)).astype("float32")
y = rng.integers(0, 3, (90, 1))

inputs = keras.Input(shape=(4,), name="rows")
h = layers.Dense(8, activation="relu", name="dense_1")(inputs)
outputs = layers.Dense(3, activation="softmax", name="predictions")(h)
model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=1e-2),
    loss=keras.losses.SparseCategoricalCrossentropy(),
    metrics=[RightAnswers(), RootMeanSquare(name="rms"), keras.losses.MeanSquaredError()],
)
history = model.fit(x, y, batch_size=30, epochs=3)
results = model.evaluate(x, y, return_dict=True)
