import tensorflow as tf


class DilatedGate(tf.keras.layers.Layer):
    def __init__(self, filters, rate):
        super().__init__()
        self.both = tf.keras.layers.Conv1D(2 * filters, 2, padding="causal", dilation_rate=rate)
        self.out = tf.keras.layers.Conv1D(filters, 1)

    def gated(self, z):
        half = z.shape[-1] // 2
        line = tf.keras.activations.tanh(z[..., :half])
        gate = tf.keras.activations.sigmoid(z[..., half:])
        return tf.keras.layers.Multiply()([line, gate])

    def call(self, inputs):
        z = self.out(self.gated(self.both(inputs)))
        return tf.keras.layers.add([z, inputs]), z


class Waves(tf.keras.Model):
    def __init__(self, filters=3, depth=2, repeats=2, outputs=4):
        super(Waves, self).__init__()
        self.stem = tf.keras.layers.Conv1D(filters, 2, padding="causal")
        self.gates = [DilatedGate(filters, 2 ** i) for _ in range(repeats) for i in range(depth)]
        self.out = tf.keras.layers.Conv1D(outputs, 1, activation="softmax")

    def call(self, x):
        z = self.stem(x)
        skips = []
        for gate in self.gates:
            z, skip = gate(z)
            skips += [skip]
        return self.out(tf.nn.relu(tf.add_n(skips)))
