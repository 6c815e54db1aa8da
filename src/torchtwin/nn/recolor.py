"""Images changed at random in their colors and values."""

from __future__ import annotations

import torch

from torchtwin.nn.augment import RandomImages, bounds_of, per_image
from torchtwin.nn.colors import hsv_to_rgb, rgb_to_hsv, to_grayscale
from torchtwin.nn.filtering import filter_each


def rescaled(x, old, new):
    """Return values of one range in another."""
    if tuple(old) == tuple(new):
        return x
    return (x - old[0]) / (old[1] - old[0]) * (new[1] - new[0]) + new[0]


class RandomContrast(RandomImages):
    """Multiplies the distance of pixels from the mean of their channel."""

    casts = False

    def __init__(self, factor, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor, 0.0), value_range

    def draw(self, x):
        return self.uniform(x, 1 - self.factor[0], 1 + self.factor[1])

    def change(self, x, drawn):
        mean = x.mean((2, 3), keepdim=True)
        return ((x - mean) * per_image(drawn) + mean).clamp(*self.value_range)


class RandomBrightness(RandomImages):
    """Adds a share of the range of values to all pixels of an image."""

    casts = False

    def __init__(self, factor, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor), sorted(value_range)

    def draw(self, x):
        low, high = self.value_range
        return self.uniform(x, *self.factor) * (high - low)

    def change(self, x, drawn):
        return (x + per_image(drawn)).clamp(*self.value_range)


class RandomGrayscale(RandomImages):
    """Takes the colors out of images, each with a probability `factor`."""

    casts = False

    def __init__(self, factor=0.5, **options):
        super().__init__(**options)
        self.factor = factor

    def draw(self, x):
        return self.uniform(x, 0.0, 1.0) < self.factor

    def change(self, x, drawn):
        return torch.where(per_image(drawn), to_grayscale(x, channels_first=True), x)


class RandomColorDegeneration(RandomImages):
    """Takes a share of the colors out of images."""

    casts = False

    def __init__(self, factor, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor), sorted(value_range)

    def draw(self, x):
        return self.uniform(x, *self.factor)

    def change(self, x, drawn):
        gray = to_grayscale(x, channels_first=True)
        return (x + per_image(drawn) * (gray - x)).clamp(*self.value_range)


class RandomHue(RandomImages):
    """Turns the hue of images by up to half of a share of the whole circle."""

    casts = False

    def __init__(self, factor, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor, 0.0), value_range

    def draw(self, x):
        sign = 1 - 2 * (self.uniform(x, 0.0, 1.0) > 0.5).to(x.dtype)
        return sign * self.uniform(x, *self.factor) * 0.5

    def change(self, x, drawn):
        colors = rgb_to_hsv(rescaled(x, self.value_range, (0, 1)), channels_first=True)
        hue, saturation, value = colors.unbind(1)
        hue = hue + drawn[:, None, None]
        hue = torch.where(hue > 1, hue - 1, hue)
        colors = torch.stack([torch.where(hue < 0, hue + 1, hue), saturation, value], 1)
        return rescaled(hsv_to_rgb(colors, channels_first=True).clamp(0, 1), (0, 1),
                        self.value_range)  # fmt: skip


class RandomSaturation(RandomImages):
    """Multiplies the saturation of images; a factor of one half leaves it as it is."""

    casts = False

    def __init__(self, factor, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor), sorted(value_range)

    def draw(self, x):
        factor = self.uniform(x, *self.factor)
        return factor / (1 - factor + 1e-7)

    def change(self, x, drawn):
        hue, saturation, value = rgb_to_hsv(x, channels_first=True).unbind(1)
        saturation = (saturation * drawn[:, None, None]).clamp(*self.value_range)
        return hsv_to_rgb(torch.stack([hue, saturation, value], 1), channels_first=True)


class RandomInvert(RandomImages):
    """Makes bright what is dark in images, each with a probability `factor`."""

    casts = False

    def __init__(self, factor=1.0, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor, 0.0), value_range

    def draw(self, x):
        return self.chosen(x, self.factor)

    def change(self, x, drawn):
        return torch.where(per_image(drawn), self.value_range[1] - x, x)


class RandomPosterization(RandomImages):
    """Keeps some of the eight bits of each value: from `factor[0]` to under `factor[1]`."""

    casts = False

    def __init__(self, factor, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor, 1), sorted(value_range)

    def draw(self, x):
        """Return how many bits each image loses."""
        low, high = self.factor
        bits = torch.randint(low, max(high, low + 1), (len(x),), device=x.device)
        return 8 - bits

    def change(self, x, drawn):
        lost = per_image(drawn)
        values = rescaled(x, self.value_range, (0, 255)).long() % 256 >> lost << lost
        return rescaled(values.to(x.dtype), (0, 255), self.value_range)


class Solarization(RandomImages):
    """Adds to the values of images, and inverts those that are not below a threshold."""

    def __init__(self, addition_factor=0.0, threshold_factor=0.0, value_range=(0, 255),
                 **options):  # fmt: skip
        super().__init__(**options)
        self.addition = bounds_of(addition_factor, 0.0)
        self.threshold = bounds_of(threshold_factor, 0.0)
        self.value_range = sorted(value_range)

    def draw(self, x):
        """Return what is added, and the thresholds; only the upper bounds are shares of 255."""
        low, high = self.addition
        added = self.uniform(x, low, high * 255)
        low, high = self.threshold
        return added, self.uniform(x, low, high * 255)

    def change(self, x, drawn):
        added, threshold = map(per_image, drawn)
        x = (rescaled(x, self.value_range, (0, 255)) + added).clamp(0, 255)
        return rescaled(torch.where(x < threshold, x, 255 - x), (0, 255), self.value_range)


class RandomSharpness(RandomImages):
    """Sharpens images with a factor above one half, and blurs them with one below."""

    def __init__(self, factor, value_range=(0, 255), **options):
        super().__init__(**options)
        self.factor, self.value_range = bounds_of(factor, 0.0), sorted(value_range)

    def draw(self, x):
        return self.uniform(x, *self.factor)

    def change(self, x, drawn):
        kernel = x.new_full((3, 3), 1 / 13)
        kernel[1, 1] = 5 / 13
        x = x + (1 - 2 * per_image(drawn)) * (filter_each(x, kernel) - x)
        return x.clamp(*self.value_range)
