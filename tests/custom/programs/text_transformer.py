import numpy as np
import keras
from keras import ops
from keras import layers


class Block(layers.Layer):
    def __init__(self, width, heads, inner, rate=0.1):
        super().__init__()
        self.att = layers.MultiHeadAttention(num_heads=heads, key_dim=width)
        self.ffn = keras.Sequential([layers.Dense(inner, activation="relu"), layers.Dense(width)])
        self.norm1 = layers.LayerNormalization(epsilon=1e-6)
        self.norm2 = layers.LayerNormalization(epsilon=1e-6)
        self.drop1 = layers.Dropout(rate)
        self.drop2 = layers.Dropout(rate)

    def call(self, x):
        x = self.norm1(x + self.drop1(self.att(x, x)))
        return self.norm2(x + self.drop2(self.ffn(x)))


class Embed(layers.Layer):
    def __init__(self, maxlen, vocab_size, width):
        super().__init__()
        self.tokens = layers.Embedding(input_dim=vocab_size, output_dim=width)
        self.places = layers.Embedding(input_dim=maxlen, output_dim=width)

    def call(self, x):
        return self.tokens(x) + self.places(ops.arange(0, ops.shape(x)[-1]))


vocab_size, maxlen, width = 50, 10, 8
rng = np.random.default_rng(6)
x_train = rng.integers(0, vocab_size, (64, maxlen))
y_train = (x_train.sum(axis=1) > vocab_size * maxlen / 2).astype("int32")

inputs = layers.Input(shape=(maxlen,))
x = Embed(maxlen, vocab_size, width)(inputs)
x = Block(width, 2, 16)(x)
x = layers.GlobalAveragePooling1D()(x)
x = layers.Dropout(0.1)(x)
x = layers.Dense(10, activation="relu")(x)
outputs = layers.Dense(2, activation="softmax")(x)

model = keras.Model(inputs=inputs, outputs=outputs)
model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
history = model.fit(x_train[:48], y_train[:48], batch_size=16, epochs=3, validation_data=(x_train[48:], y_train[48:]))
