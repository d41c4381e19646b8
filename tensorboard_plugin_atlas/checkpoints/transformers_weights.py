# SPDX-License-Identifier: Apache-2.0
"""Reads weights that `transformers` saved under other names than those in the model.

Since version 5, `save_pretrained` writes the names that a model had when it was published, and only
`from_pretrained` knows how to convert them.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from tensorboard_plugin_atlas.errors import ArgumentError, describe_error
from tensorboard_plugin_atlas.logs.record_selection import shorten_list


def is_transformers_model(model: nn.Module) -> bool:
    """Returns whether a model is a `PreTrainedModel`; does not import transformers."""
    base: Any = getattr(sys.modules.get("transformers"), "PreTrainedModel", None)
    return base is not None and isinstance(model, base)


def read_transformers_weights(model: nn.Module, folder: Path, label: str) -> dict[str, Tensor]:
    """Reads a folder of `save_pretrained` or `Trainer`.

    Args:
        model: A `PreTrainedModel`, which is not changed.
        folder: The folder. Of pickled files, only tensors and plain values are loaded.
        label: Names the checkpoint in messages.

    Returns:
        The weights by their names in the model.

    Raises:
        ArgumentError: if they cannot be read, or belong to another model.
    """
    kind: Any = type(model)
    try:
        loaded, info = kind.from_pretrained(
            str(folder), config=model.config, local_files_only=True, output_loading_info=True
        )
    except Exception as error:  # transformers raises many types for invalid files
        raise ArgumentError(
            f"{label} cannot be read by {kind.__name__}.from_pretrained "
            f"({describe_error(error):.300}); pass a complete checkpoint of this model"
        ) from error
    lists = (("missing", info["missing_keys"]), ("unexpected", info["unexpected_keys"]))
    differ = "; ".join(f"{what}: {shorten_list(names)}" for what, names in lists if names)
    if differ:
        raise ArgumentError(
            f"{label} does not fit the model ({differ}); pass checkpoints of this model, or the "
            "model of this checkpoint"
        )
    return dict(loaded.state_dict())
