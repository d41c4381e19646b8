# SPDX-License-Identifier: Apache-2.0
"""What TensorBoard imports at start-up: flags, and the plugin when it is wanted.

An exception here would end TensorBoard for everyone who has this package installed, and a slow
import would delay it. So this module needs the standard library and TensorBoard's own base class
only; everything else of the package is imported inside `load`, which reports what is broken there
in one line of the log and leaves the tab out.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from typing import Any, Final

from tensorboard.plugins import base_plugin

PLUGIN_NAME: Final = "atlas"
DEFAULT_KEPT_STEPS: Final = 200
"""These are `metadata`'s, written again: an installation may lack that file."""

_MOST_CHARACTERS: Final = 300

logger = logging.getLogger(__name__)


class AtlasLoader(base_plugin.TBLoader):  # type: ignore[misc]
    """Makes the Atlas tab; see `tensorboard.plugins.base_plugin.TBLoader`."""

    def define_flags(self, parser: argparse.ArgumentParser) -> None:
        """Adds `--atlas_samples`."""
        try:
            parser.add_argument_group("atlas plugin").add_argument(
                "--atlas_samples",
                metavar="COUNT",
                type=_step_count,
                default=DEFAULT_KEPT_STEPS,
                help="Steps of each layer that the Atlas tab keeps in memory, 0 for all of them "
                "(default: %(default)s); --samples_per_plugin=atlas=COUNT wins over it.",
            )
        except argparse.ArgumentError as error:
            logger.warning("Atlas: --atlas_samples is not available: %s", _in_one_line(error))

    def fix_flags(self, flags: argparse.Namespace) -> None:
        """Passes `--atlas_samples` on to both of TensorBoard's loaders, which would keep 10."""
        kept = getattr(flags, "atlas_samples", None)
        limits = getattr(flags, "samples_per_plugin", None)
        if not isinstance(limits, dict):
            limits = {}
            flags.samples_per_plugin = limits
        limits.setdefault(PLUGIN_NAME, DEFAULT_KEPT_STEPS if kept is None else kept)

    def load(self, context: base_plugin.TBContext) -> base_plugin.TBPlugin | None:
        """Returns the plugin, or None where it has nothing to read from or cannot be made."""
        if context.data_provider is None:
            return None
        try:
            from tensorboard_plugin_atlas.plugin import AtlasPlugin

            return _PreparedPlugin(AtlasPlugin(context))
        except (Exception, SystemExit) as error:  # a damaged installation raises anything
            logger.warning(
                "The Atlas tab is off: %s. Reinstall it: pip install --force-reinstall "
                "tensorboard_plugin_atlas",
                _in_one_line(error),
            )
            return None


class _PreparedPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """A plugin whose routes and metadata were fetched once, while `load` still catches errors.

    TensorBoard calls these methods at every listing of the tabs, and an exception there empties all
    of its page.
    """

    plugin_name = PLUGIN_NAME

    def __init__(self, plugin: base_plugin.TBPlugin) -> None:
        self._apps: dict[str, Callable[..., Any]] = dict(plugin.get_plugin_apps())
        self._is_active = bool(plugin.is_active())
        self._data_names = tuple(plugin.data_plugin_names())
        self._metadata = plugin.frontend_metadata()
        if self._metadata.es_module_path not in self._apps:
            raise LookupError(f"there is no route {self._metadata.es_module_path}")

    def get_plugin_apps(self) -> dict[str, Callable[..., Any]]:
        """Returns the routes."""
        return self._apps

    def is_active(self) -> bool:
        """Returns what the plugin said."""
        return self._is_active

    def data_plugin_names(self) -> tuple[str, ...]:
        """Returns the plugin names under which data activates the tab."""
        return self._data_names

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Returns where the tab's module is and what the tab is called."""
        return self._metadata


def _in_one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:_MOST_CHARACTERS]


def _step_count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: pass a whole number, 0 for all steps")
    return int(text)
