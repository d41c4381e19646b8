# SPDX-License-Identifier: Apache-2.0
"""What a writer is asked for at each checkpoint beside the atlases of its layers."""

from __future__ import annotations

from dataclasses import dataclass

from tensorboard_plugin_atlas.compute.model.logits import FIRST_LOGITS, LogitsChoice


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What to make of a checkpoint once its atlases are in the log.

    Attributes:
        shortcuts: Layer in which shortcuts are looked for, or None to look for none.
        class_atlases: Index of a class for an atlas of what speaks for it, or of two for one of
            what tells them apart, at the last of the layers.
        logits: Where they are in what the model returns, for atlases as well.
    """

    shortcuts: str | None = None
    class_atlases: tuple[tuple[int, ...], ...] = ()
    logits: LogitsChoice = FIRST_LOGITS


NOTHING_MORE = Extras()
"""Atlases alone."""
