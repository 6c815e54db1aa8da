import keras
import numpy as np
from keras import layers

rng = np.random.default_rng(28)
x = rng.normal(size=(60, 6)).astype("float32")
y1 = rng.normal(size=(60, 2)).astype("float32")
y2 = rng.integers(0, 3, 60)

base = keras.Sequential([layers.Input((6,)), layers.Dense(8, activation="relu"), layers.BatchNormalization(), layers.Dense(5)], name="base")
head = layers.Dense(2, name="head")
inputs = keras.Input((6,))
pretrain = keras.Model(inputs, head(base(inputs)))
pretrain.compile(optimizer="adam", loss="mae")
first = pretrain.fit(x, y1, epochs=2, batch_size=20, verbose=0)

# freeze what was learned, and train a new head
base.trainable = False
inputs = keras.Input((6,))
h = base(inputs, training=False)
outputs = layers.Dense(3, activation="softmax")(h)
model = keras.Model(inputs, outputs)
model.compile(optimizer=keras.optimizers.Adam(1e-2), loss="sparse_categorical_crossentropy", metrics=["accuracy"])
second = model.fit(x, y2, epochs=2, batch_size=20, verbose=0)

# then a little of everything
base.trainable = True
model.compile(optimizer=keras.optimizers.Adam(1e-4), loss="sparse_categorical_crossentropy")
third = model.fit(x, y2, epochs=2, batch_size=20, verbose=0)
