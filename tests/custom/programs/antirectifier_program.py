import numpy as np
import keras
from keras import layers, ops


class Antirectifier(layers.Layer):
    def __init__(self, initializer="he_normal", **kwargs):
        super().__init__(**kwargs)
        self.initializer = keras.initializers.get(initializer)

    def build(self, input_shape):
        width = input_shape[-1]
        self.kernel = self.add_weight(
            shape=(width * 2, width), initializer=self.initializer, name="kernel", trainable=True
        )

    def call(self, inputs):
        inputs -= ops.mean(inputs, axis=-1, keepdims=True)
        both = ops.concatenate([ops.relu(inputs), ops.relu(-inputs)], axis=-1)
        return ops.matmul(both, self.kernel)


rng = np.random.default_rng(10)
x_train, y_train = rng.random((120, 30)).astype("float32"), rng.integers(0, 5, 120)
x_test, y_test = rng.random((40, 30)).astype("float32"), rng.integers(0, 5, 40)

# Two rounds of it
model = keras.Sequential(
    [
        keras.Input(shape=(30,)),
        layers.Dense(24),
        Antirectifier(),
        layers.Dense(24),
        Antirectifier(),
        layers.Dropout(0.5),
        layers.Dense(5),
    ]
)

model.compile(
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    optimizer=keras.optimizers.RMSprop(),
    metrics=[keras.metrics.SparseCategoricalAccuracy()],
)

history = model.fit(x_train, y_train, batch_size=32, epochs=3, validation_split=0.15)

score = model.evaluate(x_test, y_test)
