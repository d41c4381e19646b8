# SPDX-License-Identifier: Apache-2.0
"""Browser features switched off by a script that runs before the page's own."""

from __future__ import annotations

NO_WEBGL = """
const getContext = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind.startsWith('webgl') ? null : getContext.call(this, kind, ...rest);
};
"""

WEBGL_CONTEXT = "map.querySelector('canvas').getContext('webgl2')"


NO_CANVAS = "HTMLCanvasElement.prototype.getContext = () => null;"
