import keras
from keras import layers


def conv_block(filters, name):
    return keras.Sequential(
        [
            layers.Conv2D(filters, 3, padding="same"),
            layers.BatchNormalization(),
            layers.LeakyReLU(negative_slope=0.1),
        ],
        name=name,
    )


class UNet(keras.Model):
    def __init__(self, widths=(2, 4), classes=2, **kwargs):
        super().__init__(**kwargs)
        self.down = [conv_block(w, f"down_{w}") for w in widths]
        self.middle = conv_block(widths[-1] * 2, "middle")
        self.up = [layers.Conv2DTranspose(w, 2, strides=2, padding="same") for w in reversed(widths)]
        self.merge = [conv_block(w, f"up_{w}") for w in widths[::-1]]
        self.pool = layers.AveragePooling2D(2)
        self.head = layers.Conv2D(classes, 1, activation="softmax")

    def call(self, x):
        skips = []
        for block in self.down:
            x = block(x)
            skips.append(x)
            x = self.pool(x)
        x = self.middle(x)
        for up, merge, skip in zip(self.up, self.merge, reversed(skips)):
            x = merge(keras.ops.concatenate([up(x), skip], axis=-1))
        return self.head(x)
