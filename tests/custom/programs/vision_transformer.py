"""A small transformer over patches, written in Keras 3."""
import keras
import numpy as np
from keras import layers, ops


class Patches(layers.Layer):
    def __init__(self, patch_size):
        super().__init__()
        self.patch_size = patch_size

    def call(self, images):
        batch_size, height, width, channels = ops.shape(images)
        n_h, n_w = height // self.patch_size, width // self.patch_size
        x = ops.reshape(images, (batch_size, n_h, self.patch_size, n_w, self.patch_size, channels))
        x = ops.transpose(x, (0, 1, 3, 2, 4, 5))
        return ops.reshape(x, (batch_size, n_h * n_w, self.patch_size * self.patch_size * channels))


class PatchEncoder(layers.Layer):
    def __init__(self, num_patches, projection_dim):
        super().__init__()
        self.num_patches = num_patches
        self.projection = layers.Dense(units=projection_dim)
        self.position_embedding = layers.Embedding(input_dim=num_patches, output_dim=projection_dim)

    def call(self, patch):
        positions = ops.expand_dims(ops.arange(start=0, stop=self.num_patches, step=1), axis=0)
        return self.projection(patch) + self.position_embedding(positions)


def mlp(x, hidden_units, dropout_rate):
    for units in hidden_units:
        x = layers.Dense(units, activation=keras.activations.gelu)(x)
        x = layers.Dropout(dropout_rate)(x)
    return x


def create_vit_classifier(size=12, patch=4, dim=16, depth=2, classes=3):
    inputs = keras.Input(shape=(size, size, 3))
    encoded = PatchEncoder((size // patch) ** 2, dim)(Patches(patch)(inputs))
    for _ in range(depth):
        x1 = layers.LayerNormalization(epsilon=1e-6)(encoded)
        attention = layers.MultiHeadAttention(num_heads=2, key_dim=dim // 2)(x1, x1)
        x2 = layers.Add()([attention, encoded])
        x3 = layers.LayerNormalization(epsilon=1e-6)(x2)
        x3 = mlp(x3, hidden_units=[dim * 2, dim], dropout_rate=0.0)
        encoded = layers.Add()([x3, x2])
    representation = layers.LayerNormalization(epsilon=1e-6)(encoded)
    representation = layers.Flatten()(representation)
    logits = layers.Dense(classes)(representation)
    return keras.Model(inputs=inputs, outputs=logits)


rng = np.random.default_rng(9)
x = rng.random((40, 12, 12, 3)).astype("float32")
y = rng.integers(0, 3, (40, 1))
vit = create_vit_classifier()
vit.compile(
    optimizer=keras.optimizers.AdamW(learning_rate=1e-3, weight_decay=1e-4, global_clipnorm=1.0),
    loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    metrics=[
        keras.metrics.SparseCategoricalAccuracy(name="accuracy"),
        keras.metrics.SparseTopKCategoricalAccuracy(2, name="top-2-accuracy"),
    ],
)
history = vit.fit(x=x, y=y, batch_size=10, epochs=2, validation_split=0.2, shuffle=False)
_, accuracy, top2 = vit.evaluate(x, y)
out = vit.predict(x[:5])
