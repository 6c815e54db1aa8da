import numpy as np
import tensorflow as tf
from tensorflow.keras.layers import Layer, Dense
from tensorflow.keras.models import Sequential


class CustomLayer(Layer):
    """A dense layer without bias."""

    def __init__(self, units=32):
        super(CustomLayer, self).__init__()
        self.units = units

    def build(self, input_shape):
        # a matrix: from every input to every unit
        self.w = self.add_weight(shape=(input_shape[-1], self.units),
                                 initializer='random_normal', trainable=True)

    def call(self, inputs):
        return tf.matmul(inputs, self.w)  # no bias


model = Sequential([
    CustomLayer(64),
    Dense(10, activation='softmax'),
])
model.compile(optimizer='adam', loss='categorical_crossentropy')

rng = np.random.default_rng(1)
x = rng.normal(size=(96, 20)).astype('float32')
y = np.eye(10, dtype='float32')[rng.integers(0, 10, 96)]
history = model.fit(x, y, epochs=4, batch_size=16, verbose=0)
probabilities = model.predict(x[:5], verbose=0)
