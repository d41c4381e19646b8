# SPDX-License-Identifier: Apache-2.0
"""What TensorBoard imports at start-up: flags, and the plugin when it is wanted.

An exception here would end TensorBoard for everyone who has this package installed, and a slow
import would delay it. So this module needs the standard library and TensorBoard's own base class
only, and the plugin itself is imported inside `load`.
"""

from __future__ import annotations

import argparse
import logging

from tensorboard.plugins import base_plugin

from tensorboard_plugin_atlas.metadata import DEFAULT_KEPT_STEPS, PLUGIN_NAME

logger = logging.getLogger(__name__)


class AtlasLoader(base_plugin.TBLoader):  # type: ignore[misc]
    """Makes the Atlas tab; see `tensorboard.plugins.base_plugin.TBLoader`."""

    def define_flags(self, parser: argparse.ArgumentParser) -> None:
        """Adds `--atlas_samples`."""
        parser.add_argument_group("atlas plugin").add_argument(
            "--atlas_samples",
            metavar="COUNT",
            type=_step_count,
            default=DEFAULT_KEPT_STEPS,
            help="Steps of each layer that the Atlas tab keeps in memory, 0 for all of them "
            "(default: %(default)s); --samples_per_plugin=atlas=COUNT wins over it.",
        )

    def fix_flags(self, flags: argparse.Namespace) -> None:
        """Passes `--atlas_samples` on to both of TensorBoard's loaders, which would keep 10."""
        kept = getattr(flags, "atlas_samples", None)
        limits = getattr(flags, "samples_per_plugin", None)
        if not isinstance(limits, dict):
            limits = {}
            flags.samples_per_plugin = limits
        limits.setdefault(PLUGIN_NAME, DEFAULT_KEPT_STEPS if kept is None else kept)

    def load(self, context: base_plugin.TBContext) -> base_plugin.TBPlugin | None:
        """Returns the plugin, or None where it has nothing to read from or cannot be imported."""
        if context.data_provider is None:
            return None
        try:
            from tensorboard_plugin_atlas.plugin import AtlasPlugin
        except ImportError as error:
            logger.warning("The Atlas tab is off: %s. Reinstall tensorboard_plugin_atlas.", error)
            return None
        return AtlasPlugin(context)


def _step_count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: pass a whole number, 0 for all steps")
    return int(text)
