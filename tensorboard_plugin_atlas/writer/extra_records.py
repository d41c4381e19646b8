# SPDX-License-Identifier: Apache-2.0
"""Options of `AtlasWriter` for optional records: shortcuts and class atlases."""

from __future__ import annotations

from dataclasses import dataclass

from tensorboard_plugin_atlas.compute.model.interface import DEFAULT_INTERFACE, ModelInterface


@dataclass(frozen=True, kw_only=True)
class ExtraRecords:
    """Optional records of each logged step.

    Attributes:
        shortcuts: Layer in which shortcuts are searched, or None.
        class_atlases: One class index for each atlas of a class, two for each pair of classes. They
            are computed at the last of the layers.
        interface: How the model is called and its output is read, also for the atlases of layers.
    """

    shortcuts: str | None = None
    class_atlases: tuple[tuple[int, ...], ...] = ()
    interface: ModelInterface = DEFAULT_INTERFACE


NO_EXTRA_RECORDS = ExtraRecords()
"""No optional records."""
