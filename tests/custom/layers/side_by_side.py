import keras
from keras import layers


class Encoder(keras.Model):
    def __init__(self, num_layers=2, dim=6, **kwargs):
        super().__init__(**kwargs)
        self.num_layers = num_layers
        self.att = []
        self.ffn = []
        self.ln1 = []
        self.ln2 = []
        for _ in range(num_layers):
            self.att.append(layers.MultiHeadAttention(num_heads=2, key_dim=4))
            self.ffn.append(keras.Sequential([layers.Dense(dim * 2, activation="relu"), layers.Dense(dim)]))
            self.ln1.append(layers.LayerNormalization(epsilon=1e-6))
            self.ln2.append(layers.LayerNormalization(epsilon=1e-6))
        self.blocks = {}
        for i in range(num_layers):
            self.blocks[f"block_{i}"] = {"a": layers.Dense(dim), "b": layers.Dense(dim)}

    def call(self, x, training=None):
        for i in range(self.num_layers):
            a = self.att[i](x, x, training=training)
            x = self.ln1[i](x + a)
            x = self.ln2[i](x + self.ffn[i](x))
            x = self.blocks[f"block_{i}"]["b"](self.blocks[f"block_{i}"]["a"](x))
        return x


class Swin(keras.Model):
    def __init__(self, depths=(1, 2), dim=4):
        super().__init__()
        self.stages = []
        self.downs = []
        for i, depth in enumerate(depths):
            blocks = []
            for _ in range(depth):
                blocks.append(layers.Dense(dim, activation="relu"))
            self.stages.append(blocks)
            if i < len(depths) - 1:
                self.downs.append(layers.Dense(dim))
            else:
                self.downs.append(layers.Identity())
        self.head = layers.Dense(3)

    def call(self, x):
        for blocks, down in zip(self.stages, self.downs):
            for block in blocks:
                x = block(x)
            x = down(x)
        return self.head(x)
