# SPDX-License-Identifier: Apache-2.0
"""Runs `tensorboard-atlas` as `python -m tensorboard_plugin_atlas`."""

import sys

from tensorboard_plugin_atlas.cli import main

sys.exit(main())
