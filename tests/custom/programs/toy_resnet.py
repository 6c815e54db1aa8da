import keras
import numpy as np
from keras import layers

inputs = keras.Input(shape=(10, 10, 3), name="img")
x = layers.Conv2D(6, 3, activation="relu")(inputs)
x = layers.Conv2D(8, 3, activation="relu")(x)
after_1 = layers.MaxPooling2D(3)(x)

x = layers.Conv2D(8, 3, activation="relu", padding="same")(after_1)
x = layers.Conv2D(8, 3, activation="relu", padding="same")(x)
after_2 = layers.add([x, after_1])

x = layers.GlobalAveragePooling2D()(after_2)
x = layers.Dense(12, activation="relu")(x)
x = layers.Dropout(0.5)(x)
outputs = layers.Dense(10)(x)

model = keras.Model(inputs, outputs, name="small_resnet")
model.compile(
    optimizer=keras.optimizers.RMSprop(1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=["acc"],
)
rng = np.random.default_rng(26)
images, classes = rng.random((40, 10, 10, 3)).astype("float32"), rng.integers(0, 10, 40)
history = model.fit(images, classes, batch_size=8, epochs=2, validation_split=0.2)
