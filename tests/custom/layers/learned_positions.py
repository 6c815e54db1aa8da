import keras
from keras import ops


class AddPositions(keras.layers.Layer):
    def __init__(self, longest, initializer="uniform", **kwargs):
        super().__init__(**kwargs)
        self.longest = int(longest)
        self.initializer = keras.initializers.get(initializer)

    def build(self, inputs_shape):
        self.position_table = self.add_weight(
            name="table",
            shape=[self.longest, inputs_shape[-1]],
            initializer=self.initializer,
            trainable=True,
        )
        self.built = True

    def call(self, inputs, start=0):
        shape = ops.shape(inputs)
        part = ops.slice(self.position_table, (start, 0), (shape[-2], shape[-1]))
        return inputs + ops.broadcast_to(part, shape)

    def compute_output_shape(self, input_shape):
        return input_shape
