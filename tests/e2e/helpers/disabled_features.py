# SPDX-License-Identifier: Apache-2.0
"""Scripts that disable browser features; they run before the scripts of the page."""

from __future__ import annotations

NO_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith('webgl') ? null : getContext.call(this, kind, ...rest);
};
"""

WEBGL_CONTEXT = "map.querySelector('canvas').getContext('webgl2')"


NO_CANVAS = "HTMLCanvasElement.prototype.getContext = () => null;"
