# SPDX-License-Identifier: Apache-2.0
"""Faster exact forward and backward passes through frozen networks on the CPU.

Other packages import from here, not from the modules. Each function checks its result against plain
autograd. Where it cannot be used, plain autograd runs instead, and the reason is logged.

* `compile_program`: the network up to a layer, for the input gradients of icons.
* `crop_program`: a program that computes only the center of the map.
* `try_bfloat16`: a program in bfloat16, if a measurement shows that it is faster.
* `trace_head`: the network after a layer, for the JVPs of attribution.
* `cache_prefix`: the whole network with cached outputs before a layer, for attribution.
"""

from tensorboard_plugin_atlas.compute.fastpath.crop import Span, crop_program
from tensorboard_plugin_atlas.compute.fastpath.fallback_reasons import Fallback, log_fallback
from tensorboard_plugin_atlas.compute.fastpath.precision import (
    MAX_SECONDS,
    to_bfloat16,
    try_bfloat16,
)
from tensorboard_plugin_atlas.compute.fastpath.prefix_cache import (
    PrefixCache,
    StopForward,
    cache_prefix,
)
from tensorboard_plugin_atlas.compute.fastpath.program import Program, compile_program
from tensorboard_plugin_atlas.compute.fastpath.traced_head import TracedHead, trace_head

__all__ = [
    "MAX_SECONDS",
    "Fallback",
    "PrefixCache",
    "Program",
    "Span",
    "StopForward",
    "TracedHead",
    "cache_prefix",
    "compile_program",
    "crop_program",
    "log_fallback",
    "to_bfloat16",
    "trace_head",
    "try_bfloat16",
]
