"""Modules that are not trained: `module.trainable = False`, for all that is inside it."""

from __future__ import annotations


def freeze(model, frozen=True):
    """Say of a model and every module inside that they are not trained, or that they are."""
    for module in model.modules():
        own = "is_trainable" if "is_trainable" in vars(module) or module is model else "trainable"
        vars(module)[own] = not frozen


def with_frozen(module, frozen=False):
    """Yield every module inside one, and whether it or one around it is not to be trained."""
    own = vars(module)
    frozen = frozen or not own.get("trainable", own.get("is_trainable", True))
    yield module, frozen
    for child in module.children():
        yield from with_frozen(child, frozen)


def train_unfrozen(model):
    """Put a model into training mode, but for what is frozen: its normalisation, its weights."""
    model.train()
    trained(model)
    for module, frozen in with_frozen(model):
        if frozen and hasattr(module, "running_mean"):
            module.eval()


def trained(model):
    """Return the parameters that are trained; those of frozen modules need no gradient."""
    for module, frozen in with_frozen(model):
        for parameter in module.parameters(recurse=False):
            if frozen and parameter.requires_grad:
                parameter.requires_grad_(False)
                parameter.frozen = True
            elif not frozen and getattr(parameter, "frozen", False):
                parameter.requires_grad_(True)
                parameter.frozen = False
    return [parameter for parameter in model.parameters() if parameter.requires_grad]
