# SPDX-License-Identifier: Apache-2.0
"""`python -m tensorboard_plugin_atlas` is `tensorboard-atlas`."""

import sys

from tensorboard_plugin_atlas.cli import main

sys.exit(main())
