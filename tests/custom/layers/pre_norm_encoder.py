import keras
from keras import layers, ops


@keras.saving.register_keras_serializable(package="demo")
class PreNormEncoder(layers.Layer):
    """Normalises before attention and before the network, and adds both to what came in."""

    def __init__(self, width, inner, heads=2, rate=0.0, **kwargs):
        super().__init__(**kwargs)
        self.width = width
        self.inner = inner
        self.heads = heads
        self.rate = rate
        self.norms = [layers.LayerNormalization(epsilon=1e-6) for _ in range(2)]
        self.attend = layers.MultiHeadAttention(heads, width // heads, dropout=rate)
        self.mlp = keras.Sequential(
            [layers.Dense(inner, activation="gelu"), layers.Dropout(rate), layers.Dense(width)],
            name="mlp",
        )
        self.supports_masking = True

    def call(self, tokens, mask=None, training=None):
        allowed = None
        if mask is not None:
            # (batch, 1, steps): every query sees the same keys
            allowed = ops.cast(ops.expand_dims(mask, axis=1), "int32")
        seen = self.norms[0](tokens)
        tokens = tokens + self.attend(
            query=seen, value=seen, key=seen, attention_mask=allowed, training=training
        )
        return tokens + self.mlp(self.norms[1](tokens), training=training)

    def get_config(self):
        config = super().get_config()
        config.update(
            {"width": self.width, "inner": self.inner, "heads": self.heads, "rate": self.rate}
        )
        return config
