# SPDX-License-Identifier: Apache-2.0
"""What a writer records besides the atlases of layers, and how it calls the model."""

from __future__ import annotations

from dataclasses import dataclass

from tensorboard_plugin_atlas.compute.model.model_interface import DEFAULT_INTERFACE, ModelInterface


@dataclass(frozen=True, kw_only=True)
class RecordOptions:
    """Optional records of each logged step, and how the model is called.

    Attributes:
        shortcuts: Layer in which shortcuts are searched, or None.
        class_atlases: One class index for each atlas of a class, two for each pair of classes. They
            are computed at the last of the layers.
        activations_dir: Directory for the activations of all samples, or None to write none.
        interface: How the model is called and its output is read, also for the atlases of layers.
    """

    shortcuts: str | None = None
    class_atlases: tuple[tuple[int, ...], ...] = ()
    activations_dir: str | None = None
    interface: ModelInterface = DEFAULT_INTERFACE


DEFAULT_RECORD_OPTIONS = RecordOptions()
"""No optional records."""
