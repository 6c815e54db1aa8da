import keras
from keras import layers, ops


class ASPP(layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.image_pool = layers.GlobalAveragePooling2D(keepdims=True)
        self.image_conv = layers.Conv2D(filters, 1, use_bias=False)
        self.branches = [
            layers.Conv2D(filters, 1 if rate == 1 else 3, dilation_rate=rate, padding="same", use_bias=False)
            for rate in (1, 2, 3)
        ]
        self.project = layers.Conv2D(filters, kernel_size=1)

    def call(self, x):
        dims = ops.shape(x)
        pooled = self.image_conv(self.image_pool(x))
        pooled = layers.UpSampling2D(size=(dims[1], dims[2]), interpolation="bilinear")(pooled)
        x = ops.concatenate([pooled] + [branch(x) for branch in self.branches], axis=-1)
        return ops.relu(self.project(x))
