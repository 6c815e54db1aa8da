import keras
from keras import layers


class ConvBlock(layers.Layer):
    def __init__(self, filters, kernel_size=3, strides=1, groups=1, use_bn=True):
        super().__init__()
        self.conv = layers.Conv2D(
            filters, kernel_size, strides=strides, padding="same",
            groups=groups, use_bias=not use_bn,
        )
        self.bn = layers.BatchNormalization() if use_bn else None
        self.act = layers.Activation("swish")

    def call(self, x):
        x = self.conv(x)
        if self.bn is not None:
            x = self.bn(x)
        return self.act(x)


class DownBlock(layers.Layer):
    def __init__(self, filters):
        super().__init__()
        self.c1 = ConvBlock(filters)
        self.c2 = ConvBlock(filters, use_bn=False)
        self.pool = layers.MaxPooling2D(2)

    def call(self, x):
        skip = self.c2(self.c1(x))
        return self.pool(skip), skip
