import keras
import keras.backend as K


class AdditiveScores(keras.layers.Layer):
    """Compares all pairs of steps through a hidden layer of tanh units."""

    def __init__(self, units=8, return_attention=False, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.return_attention = return_attention

    def build(self, input_shape):
        feature_dim = int(input_shape[2])
        self.Wt = self.add_weight(shape=(feature_dim, self.units), name="Wt", initializer=keras.initializers.get("glorot_normal"))
        self.Wx = self.add_weight(shape=(feature_dim, self.units), name="Wx", initializer=keras.initializers.get("glorot_normal"))
        self.bh = self.add_weight(shape=(self.units,), name="bh", initializer=keras.initializers.get("zeros"))
        self.Wa = self.add_weight(shape=(self.units, 1), name="Wa", initializer=keras.initializers.get("glorot_normal"))
        self.built = True

    def call(self, inputs):
        q = K.expand_dims(K.dot(inputs, self.Wt), 2)
        k = K.expand_dims(K.dot(inputs, self.Wx), 1)
        h = K.tanh(q + k + self.bh)
        e = K.dot(h, self.Wa)[..., 0]
        e = K.exp(e - K.max(e, axis=-1, keepdims=True))
        a = e / (K.sum(e, axis=-1, keepdims=True) + K.epsilon())
        v = K.batch_dot(a, inputs)
        if self.return_attention:
            return [v, a]
        return v
