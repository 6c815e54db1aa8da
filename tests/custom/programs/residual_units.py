import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


class ResidualUnit(layers.Layer):
    """Two convolutions and a way around them."""

    def __init__(self, filters, strides=1, activation="relu", **kwargs):
        super().__init__(**kwargs)
        self.activation = keras.activations.get(activation)
        self.main_layers = [
            layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False),
            layers.BatchNormalization(),
            self.activation,
            layers.Conv2D(filters, 3, strides=1, padding="same", use_bias=False),
            layers.BatchNormalization(),
        ]
        self.skip_layers = []
        if strides > 1:
            self.skip_layers = [
                layers.Conv2D(filters, 1, strides=strides, padding="same", use_bias=False),
                layers.BatchNormalization(),
            ]

    def call(self, inputs):
        Z = inputs
        for layer in self.main_layers:
            Z = layer(Z)
        skip_Z = inputs
        for layer in self.skip_layers:
            skip_Z = layer(skip_Z)
        return self.activation(Z + skip_Z)


class ResNet(keras.Model):
    def __init__(self, num_classes=4, widths=(8, 8, 16)):
        super().__init__()
        self.stem = layers.Conv2D(8, 3, padding="same", use_bias=False)
        self.norm = layers.BatchNormalization()
        self.units = []
        prev = 8
        for filters in widths:
            strides = 1 if filters == prev else 2
            self.units.append(ResidualUnit(filters, strides=strides))
            prev = filters
        self.pool = layers.GlobalAvgPool2D()
        self.classifier = layers.Dense(num_classes)

    def call(self, inputs, training=None):
        x = self.stem(inputs)
        x = tf.nn.relu(self.norm(x, training=training))
        for unit in self.units:
            x = unit(x)
        x = self.pool(x)
        return self.classifier(x)


np.random.seed(11)
images = np.random.rand(48, 10, 10, 3).astype(np.float32)
labels = np.random.randint(0, 4, size=48)
class_weight = {0: 1.0, 1: 2.0, 2: 0.5, 3: 1.5}

model = ResNet()
model.compile(
    optimizer=keras.optimizers.RMSprop(learning_rate=1e-3),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[keras.metrics.SparseCategoricalAccuracy(name="acc")],
)
history = model.fit(images[:32], labels[:32], batch_size=8, epochs=2, shuffle=False, class_weight=class_weight,
                    validation_data=(images[32:], labels[32:]))
logits = model.predict(images[32:])
probs = tf.nn.softmax(logits, axis=-1).numpy()
score = model.evaluate(images[32:], labels[32:], return_dict=True)
