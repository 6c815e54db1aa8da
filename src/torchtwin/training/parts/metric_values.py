"""What metrics take the mean of: one value for each sample, step or pixel."""

from __future__ import annotations

from torchtwin.training.parts.losses import comparable, negative_cosine_similarity
from torchtwin.training.parts.losses_crossentropy import crossentropy
from torchtwin.training.parts.reduction import same_rank


def exact_accuracy(output, target):
    """1 where the output is the target."""
    output, target = comparable(output, target)
    return (output == target).float()


def binary_accuracy(output, target, threshold=0.5):
    """1 where the output is on the target's side of the threshold."""
    output, target = same_rank(output, target)
    return ((output > threshold) == target).float()


def categorical_accuracy(output, target):
    """1 where the largest output is that of the class; the target is one-hot."""
    return (output.argmax(-1) == target.argmax(-1)).float()


def sparse_categorical_accuracy(output, target):
    """1 where the largest output is that of the class; the target is its number."""
    if target.ndim == output.ndim and target.shape[-1] == 1:
        target = target.squeeze(-1)
    return (output.argmax(-1) == target).float()


def accuracy(output, target):
    """1 where the output is right; shapes tell whether targets are binary, numbers or one-hot."""
    if output.shape[-1] == 1:
        return binary_accuracy(output, target)
    if target.ndim < output.ndim or target.shape[-1] == 1:
        return sparse_categorical_accuracy(output, target)
    return categorical_accuracy(output, target)


def top_k_categorical_accuracy(output, target, k=5):
    """1 where the class is among the k largest outputs; the target is one-hot."""
    return sparse_top_k_categorical_accuracy(output, target.argmax(-1), k)


def sparse_top_k_categorical_accuracy(output, target, k=5):
    """1 where fewer than k outputs are larger than that of the class, whose number is the target.

    So a class that ties with the k-th is among the k, which torch.topk leaves open.
    """
    of_class = output.gather(-1, target.long().reshape(*output.shape[:-1], 1))
    of_class = of_class.nan_to_num(nan=float("-inf"), posinf=float("inf"), neginf=float("-inf"))
    return ((output > of_class).sum(-1) < k).float()


def among_first_k(output, target, k=5):
    """1 where the class is among the first k; the output is numbers of classes, best first."""
    target = target.to(output.dtype).reshape(*output.shape[:-1], 1)
    return (output[..., :k] == target).any(-1).float()


def pearson_correlation(output, target, dim=-1):
    """The correlation of output and target along `dim`."""
    output, target = comparable(output, target)
    output = output - output.mean(dim, keepdim=True)
    target = target - target.mean(dim, keepdim=True)
    output = output / output.std(dim, correction=0, keepdim=True)
    target = target / target.std(dim, correction=0, keepdim=True)
    return (output * target).mean(dim)


def concordance_correlation(output, target, dim=-1):
    """The correlation of output and target, less where their means or variances differ."""
    output, target = comparable(output, target)
    mean, target_mean = output.mean(dim, keepdim=True), target.mean(dim, keepdim=True)
    variance = output.var(dim, correction=0, keepdim=True)
    target_variance = target.var(dim, correction=0, keepdim=True)
    # Keras takes the target's distance from the mean of the output: the mean stays the same.
    covariance = (target - mean) * (output - mean)
    norm = variance + target_variance + (target_mean - mean) ** 2
    return (2 * covariance / (norm + 1e-7)).mean(dim)


def cosine_similarity(output, target, dim=-1):
    """The cosine between output and target."""
    return -negative_cosine_similarity(output, target, dim)


def square_of_difference(output, target):
    """The squared error of each number."""
    output, target = comparable(output, target)
    return (output - target).square()


def crossentropy_of_known(output, target, ignore_class=-1, from_logits=False):
    """Cross-entropy of class numbers, 0 where the number is `ignore_class`."""
    known = target != ignore_class
    values = crossentropy(output, target.where(known, 0), from_logits)
    return values.where(known.reshape(values.shape), 0.0)
