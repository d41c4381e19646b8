# SPDX-License-Identifier: Apache-2.0
"""Finds the weights of a model in a checkpoint, and loads them into the model."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from torch import Tensor, nn

from tensorboard_plugin_atlas.checkpoints.checkpoint_reader import read_checkpoint
from tensorboard_plugin_atlas.checkpoints.transformers_weights import (
    is_transformers_model,
    read_transformers_weights,
)
from tensorboard_plugin_atlas.compute.model.preserve_state import unwrap
from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.logs.record_selection import shorten_list

MODEL_WEIGHTS: Final = "model"
EMA_WEIGHTS: Final = "ema"

_MODEL_KEYS: Final = ("state_dict", "model_state_dict", "model", "net", "module")
_EMA_KEYS: Final = ("state_dict_ema", "ema_state_dict", "model_ema", "ema_model", "ema")
_EMA_PREFIXES: Final = ("ema_model.", "model_ema.", "ema.")
"""Prefixes of averaged weights in the state dict of a module that holds both kinds of weights."""

_LIGHTNING_AVERAGE: Final = "averaging_state"
_LIGHTNING_CURRENT: Final = "current_model_state"
"""Keys of Lightning's WeightAveraging, which stores the averaged weights as `state_dict`."""

_COMPILED: Final = "_orig_mod."
"""Part of the names that `torch.compile` adds for each compiled module."""

_SHOWN_NAMES: Final = 3


def load_weights(model: nn.Module, path: Path, *, label: str, weights: str = MODEL_WEIGHTS) -> None:
    """Loads the weights of a checkpoint into a model.

    Args:
        model: The checkpoint must hold all of its parameters and buffers, and no others.
        path: As for `read_checkpoint`. A prefix that all names share, as from
            DistributedDataParallel, `torch.compile`, or a Lightning module, is removed.
        label: Names the checkpoint in messages, such as "checkpoint 'step5.pt'".
        weights: "model" for the weights that were trained, "ema" for their moving average, or the
            key of a state dict in the checkpoint, or the first part of names in its state dict.

    Raises:
        ArgumentError: if the checkpoint cannot be read, holds more than tensors and plain values,
            does not hold these weights, or belongs to another model.
    """
    inner = unwrap(model)
    if weights == MODEL_WEIGHTS and is_transformers_model(inner) and path.is_dir():
        inner.load_state_dict(read_transformers_weights(inner, path, label))
        return
    state = _find_weights(read_checkpoint(path, label), weights, label)
    wanted = inner.state_dict()
    state = _strip_prefix(state, wanted, label)
    _check_names(state, wanted, label)
    inner.load_state_dict(state)


def _find_weights(content: object, weights: str, label: str) -> dict[str, Tensor]:
    """Returns the wanted state dict in a checkpoint.

    Raises:
        ArgumentError: if there is none; the message lists the keys of the checkpoint.
    """
    values: Mapping[Any, Any] = content if isinstance(content, Mapping) else {}
    keys: tuple[str, ...] = (weights,)
    if weights == MODEL_WEIGHTS:
        keys = (_LIGHTNING_CURRENT, *_MODEL_KEYS)
        found = _as_state_dict(values) or _find_under(values, keys)
    elif weights == EMA_WEIGHTS:
        keys = (*_EMA_KEYS, *(("state_dict",) if _LIGHTNING_AVERAGE in values else ()))
        found = _find_under(values, keys) or _find_by_prefix(values, _EMA_PREFIXES)
    else:
        found = _find_under(values, keys) or _find_by_prefix(values, (f"{weights}.",))
    if found is None:
        kind = "" if weights == MODEL_WEIGHTS else f" of weights={weights!r}"
        names = [key for key in values if isinstance(key, str)]
        held = f"; its keys are {shorten_list(names)}" if names else ""
        raise ArgumentError(
            f"{label} holds no state dict{kind}, alone or under {', '.join(map(repr, keys))}{held}"
            ". Pass one of its keys to `tensorboard-atlas build --weights`, or save the weights: "
            "torch.save(model.state_dict(), path)"
        )
    return found


def _find_under(values: Mapping[Any, Any], keys: tuple[str, ...]) -> dict[str, Tensor] | None:
    """Returns the state dict under the first of the keys that has one, or a level below it."""
    for key in keys:
        inner = values.get(key)
        if not isinstance(inner, Mapping):
            continue
        found = _as_state_dict(inner) or _find_under(inner, _MODEL_KEYS)
        if found is not None:
            return found
    return None


def _find_by_prefix(values: Mapping[Any, Any], prefixes: Sequence[str]) -> dict[str, Tensor] | None:
    """Returns the weights with a prefix, which a state dict holds beside others."""
    both = _as_state_dict(values) or _find_under(values, _MODEL_KEYS) or {}
    for prefix in prefixes:
        found = {k.removeprefix(prefix): v for k, v in both.items() if k.startswith(prefix)}
        if found:
            return found
    return None


def _as_state_dict(values: Mapping[Any, Any]) -> dict[str, Tensor] | None:
    """Returns the values if they are tensors with names, or None."""
    state = {k: v for k, v in values.items() if isinstance(k, str) and isinstance(v, Tensor)}
    return state if state and len(state) == len(values) else None


def _strip_prefix(
    state: dict[str, Tensor], wanted: Mapping[str, Any], label: str
) -> dict[str, Tensor]:
    """Removes the parts that wrappers add to names, and the prefix that most wanted names have.

    Raises:
        ArgumentError: if the weights of several models have all wanted names.
    """
    if any(_COMPILED in name for name in state):
        state = {name.replace(_COMPILED, ""): value for name, value in state.items()}
    first = next(iter(wanted), "")
    prefixes = ["", *(key[: -len(first)] for key in state if first and key.endswith("." + first))]
    counts = {prefix: sum(prefix + name in state for name in wanted) for prefix in prefixes}
    best = max(counts, key=lambda prefix: counts[prefix])
    several = [
        prefix.removesuffix(".")
        for prefix, count in counts.items()
        if prefix and count == len(wanted) and prefix not in _EMA_PREFIXES
    ]
    if best in _EMA_PREFIXES and several:
        best = f"{several[0]}."
    if best and len(several) > 1:
        raise ArgumentError(
            f"{label} holds the weights of {len(several)} models, {', '.join(several)}; pass one "
            "of these names to `tensorboard-atlas build --weights`, or save one of them alone"
        )
    return {key[len(best) :]: value for key, value in state.items() if key.startswith(best)}


def _check_names(state: Mapping[str, Tensor], wanted: Mapping[str, Any], label: str) -> None:
    """Checks that a state dict has the names and shapes of a model.

    Raises:
        ArgumentError: if not; the message lists the differences and the closest names.
    """
    missing, strange = wanted.keys() - state.keys(), state.keys() - wanted.keys()
    shaped = [
        f"{name} {tuple(state[name].shape)} instead of {tuple(wanted[name].shape)}"
        for name in wanted.keys() & state.keys()
        if state[name].shape != wanted[name].shape
    ]
    if not (missing or strange or shaped):
        return
    lists = (("missing", missing), ("unexpected", strange), ("of another shape", shaped))
    differ = "; ".join(f"{what}: {shorten_list(names)}" for what, names in lists if names)
    raise ArgumentError(
        f"{label} does not fit the model ({differ}{_describe_closest_names(missing, strange)}); "
        "pass checkpoints of this model, or the model of this checkpoint"
    )


def _describe_closest_names(missing: set[str], strange: set[str]) -> str:
    """Returns text about the missing names that have a similar name in the checkpoint."""
    pairs = []
    for name in sorted(missing):
        close = difflib.get_close_matches(name, sorted(strange), n=1)
        pairs += [f"{close[0]} for {name}" for _ in close]
    return f"; the closest names: {', '.join(pairs[:_SHOWN_NAMES])}" if pairs else ""
