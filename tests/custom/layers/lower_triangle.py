import keras
from keras import layers, ops


def lower_triangle(steps, dtype="bool"):
    """True on and below the diagonal."""
    places = ops.arange(steps)
    return ops.cast(places[:, None] >= places[None, :], dtype)


class LittleGPT(keras.Model):
    def __init__(self, vocab, steps, width, heads, depth=2):
        super().__init__()
        self.words = layers.Embedding(vocab, width)
        self.places = layers.Embedding(steps, width)
        self.attention = [layers.MultiHeadAttention(heads, width // heads) for _ in range(depth)]
        self.mlps = [
            keras.Sequential([layers.Dense(2 * width, activation="relu"), layers.Dense(width)])
            for _ in range(depth)
        ]
        self.norms = [(layers.LayerNormalization(), layers.LayerNormalization()) for _ in range(depth)]
        self.head = layers.Dense(vocab, use_bias=False)

    def call(self, tokens):
        steps = ops.shape(tokens)[1]
        x = self.words(tokens) + self.places(ops.arange(0, steps, 1))
        seen = lower_triangle(steps)[None]
        for attend, mlp, (first, second) in zip(self.attention, self.mlps, self.norms):
            x = first(x + attend(x, x, attention_mask=seen))
            x = second(x + mlp(x))
        return self.head(x)
