# SPDX-License-Identifier: Apache-2.0
"""Entry point of the TensorBoard plugin: defines its flags and loads it.

TensorBoard imports this module at startup. An exception here would end TensorBoard, and a slow
import would delay it. So this module imports only the standard library and TensorBoard's base
class. `load` imports the rest of the package; if that fails, it logs one line and TensorBoard
starts without the tab.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from typing import Any, Final

from tensorboard.plugins import base_plugin

PLUGIN_NAME: Final = "atlas"
DEFAULT_KEPT_STEPS: Final = 200
"""Same values as in `log_names`, which is not imported since a damaged installation may lack it."""

_MOST_CHARACTERS: Final = 300

logger = logging.getLogger(__name__)


class AtlasLoader(base_plugin.TBLoader):  # type: ignore[misc]
    """Loads the Atlas plugin; see `tensorboard.plugins.base_plugin.TBLoader`."""

    def define_flags(self, parser: argparse.ArgumentParser) -> None:
        """Adds `--atlas_samples`."""
        try:
            parser.add_argument_group("atlas plugin").add_argument(
                "--atlas_samples",
                metavar="COUNT",
                type=_parse_step_count,
                default=DEFAULT_KEPT_STEPS,
                help="Number of steps of each layer that the Atlas tab keeps in memory, 0 for all "
                "(default: %(default)s); --samples_per_plugin=atlas=COUNT overrides it.",
            )
        except argparse.ArgumentError as error:
            logger.warning("Atlas: --atlas_samples is not available: %s", _summarize(error))

    def fix_flags(self, flags: argparse.Namespace) -> None:
        """Passes `--atlas_samples` to both of TensorBoard's loaders, which keep 10 by default."""
        kept = getattr(flags, "atlas_samples", None)
        limits = getattr(flags, "samples_per_plugin", None)
        if not isinstance(limits, dict):
            limits = {}
            flags.samples_per_plugin = limits
        limits.setdefault(PLUGIN_NAME, DEFAULT_KEPT_STEPS if kept is None else kept)

    def load(self, context: base_plugin.TBContext) -> base_plugin.TBPlugin | None:
        """Returns the plugin, or None if there is no data provider or the plugin fails to load."""
        if context.data_provider is None:
            return None
        try:
            from tensorboard_plugin_atlas.plugin import AtlasPlugin

            return _PreparedPlugin(AtlasPlugin(context))
        except (Exception, SystemExit) as error:  # a damaged installation can raise any type
            logger.warning(
                "The Atlas tab is disabled: %s. Reinstall it: pip install --force-reinstall "
                "tensorboard_plugin_atlas",
                _summarize(error),
            )
            return None


class _PreparedPlugin(base_plugin.TBPlugin):  # type: ignore[misc]
    """A plugin whose routes and metadata are computed once, while `load` still catches errors.

    TensorBoard calls these methods whenever it lists the tabs; an exception would leave the whole
    page empty.
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
        """Returns whether the plugin was active when it was loaded."""
        return self._is_active

    def data_plugin_names(self) -> tuple[str, ...]:
        """Returns the plugin names of the data that activates the tab."""
        return self._data_names

    def frontend_metadata(self) -> base_plugin.FrontendMetadata:
        """Returns the route of the tab's module and the name of the tab."""
        return self._metadata


def _summarize(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"[:_MOST_CHARACTERS]


def _parse_step_count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: pass an integer, 0 for all steps")
    return int(text)
