import numpy as np
import tensorflow as tf
from tensorflow.keras import Model
from tensorflow.keras.layers import Conv2D, Dense, Flatten

rng = np.random.default_rng(23)
x_train = rng.random((64, 8, 8)).astype("float32")
y_train = rng.integers(0, 3, 64)

# one channel
x_train = x_train[..., tf.newaxis]


class MyModel(Model):
    def __init__(self):
        super().__init__()
        self.conv1 = Conv2D(6, 3, activation='relu')
        self.flatten = Flatten()
        self.d1 = Dense(16, activation='relu')
        self.d2 = Dense(3)

    def call(self, x):
        x = self.conv1(x)
        x = self.flatten(x)
        x = self.d1(x)
        return self.d2(x)


model = MyModel()
loss_object = tf.keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=tf.keras.optimizers.Adam(), loss=loss_object, metrics=['accuracy'])
history = model.fit(x_train, y_train, batch_size=16, epochs=3, validation_split=0.25)
logits = model(x_train[:4], training=False).numpy()
