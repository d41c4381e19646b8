# SPDX-License-Identifier: Apache-2.0
"""Drives the Atlas tab in a real browser as a user does, and records its console errors."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import ConsoleMessage, FrameLocator, Locator, Page

VIEWPORT = {"width": 1280, "height": 800}
OURS = "/data/plugin/atlas/"
ENTRY = "data/plugin_entry.html?name=atlas"
CSP_MARK = "CSP violation:"
READ_BACK_NOTE = "GPU stall due to ReadPixels"
"""A message of Chromium, which reads canvases back when it composes pages without a GPU."""
FOCUS_RING = 6
TIMEOUT_S = 60.0

REPORT_CSP = """
if (location.pathname.endsWith('/plugin_entry.html')) {
  addEventListener('securitypolicyviolation', (event) =>
    console.error('CSP violation:', event.violatedDirective, event.blockedURI));
}
"""


class Tab:
    """A page with the Atlas tab, inside TensorBoard or as the plugin's standalone page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.console_errors: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.external_requests: list[str] = []
        self._ignored: tuple[str, ...] = ()
        self._root: Page | FrameLocator = page
        page.add_init_script(REPORT_CSP)
        page.on("console", self._record_console)
        page.on("pageerror", lambda error: self.console_errors.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._record_request(request.url))
        page.on("dialog", self._dismiss)

    def ignore_errors(self, *texts: str) -> None:
        """Ignores console errors that contain one of `texts`."""
        self._ignored = texts

    @property
    def scripts(self) -> set[str]:
        """Names of our JavaScript files that were requested so far."""
        return {one for one in self.requests if one.endswith(".js")}

    @property
    def unexpected_errors(self) -> list[str]:
        return [
            one for one in self.console_errors if not any(text in one for text in self._ignored)
        ]

    def open(
        self,
        url: str,
        *,
        standalone: bool = False,
        query: str = "",
        ready: bool = True,
        **state: object,
    ) -> Tab:
        """Opens the tab with `state` in the hash, and waits until it is ready."""
        keys = "".join(
            f"&p.atlas.{key}={quote(str(value), safe='')}" for key, value in state.items()
        )
        self._root = self.page if standalone else self.page.frame_locator("iframe")
        self.page.goto(url + (ENTRY if standalone else query) + "#atlas" + keys)
        if ready:
            self.settle()
        return self

    def enter_iframe(self) -> Tab:
        """Looks for the app inside TensorBoard's page."""
        self._root = self.page.frame_locator("iframe")
        return self

    @property
    def app(self) -> Locator:
        return self._root.locator("atlas-app")

    @property
    def map(self) -> Locator:
        return self.app.locator("atlas-map").first

    @property
    def slider(self) -> Locator:
        return self.app.get_by_role("slider", name="Step")

    @property
    def card(self) -> Locator:
        return self.app.get_by_label("Cell under the cursor")

    @property
    def inspector(self) -> Locator:
        return self.app.get_by_label("Pinned cell")

    @property
    def legend(self) -> Locator:
        return self.app.get_by_label("Legend")

    def settle(self, **marks: object) -> dict[str, str]:
        """Waits until the app is ready and has `data-*` attributes, and returns all of them."""
        wanted = {"ready": "true", **{key: str(value) for key, value in marks.items()}}
        pattern = "".join(f"[data-{key}={_quote(value)}]" for key, value in wanted.items())
        try:
            self._root.locator("atlas-app" + pattern).wait_for(state="attached")
        except Exception as error:
            raise AssertionError(
                f"wanted {wanted}, is {self.dataset}: {self.console_errors}"
            ) from error
        return self.dataset

    @property
    def dataset(self) -> dict[str, str]:
        found: dict[str, str] = self.app.evaluate("app => ({...app.dataset})")
        return found

    def wait_for_step(self, step: int, **marks: object) -> dict[str, str]:
        """Waits until the map shows `step`."""
        return self.settle(step=step, **{"shown-step": step}, **marks)

    @property
    def state(self) -> dict[str, str]:
        """The keys of the tab in the hash of the page."""
        tokens = self.page.evaluate("location.hash.slice(1).split('&')")
        pairs = (token.split("=", 1) for token in tokens if token.startswith("p.atlas."))
        return {key.removeprefix("p.atlas."): unquote(value) for key, value in pairs}

    def wait_for_hash(self, **wanted: object) -> None:
        """Waits until the hash has the values of `wanted`; None means absent."""
        encoded = {
            key: None if value is None else quote(str(value), safe="!~*'()")
            for key, value in wanted.items()
        }
        self.page.wait_for_function(
            """wanted => {
              const values = Object.fromEntries(location.hash.slice(1).split('&')
                .filter((token) => token.includes('=')).map((token) => token.split('=')));
              return Object.entries(wanted).every(
                ([key, value]) => (values['p.atlas.' + key] ?? null) === value);
            }""",
            arg=encoded,
        )

    def wait_for_center(self, x: float, y: float | None = None, *, within: float) -> None:
        """Waits until the hash says that the view is zoomed in around a position on the map."""
        self.page.wait_for_function(
            """([x, y, within]) => {
              const at = (key) =>
                Number(location.hash.split(`&p.atlas.${key}=`)[1]?.split('&')[0]);
              const near = (key, wanted) => wanted === null || Math.abs(at(key) - wanted) < within;
              return at('z') > 1 && near('x', x) && near('y', y);
            }""",
            arg=[x, y, within],
        )

    @property
    def map_box(self) -> dict[str, float]:
        """Corner and side of the map on its element, in CSS pixels."""
        box: dict[str, float] = self.map.evaluate("map => map.boxOf({size: 1, row: 0, col: 0})")
        return box

    def locate_cell(self, size: int, row: int, col: int) -> tuple[float, float, float]:
        """Returns the center of a cell on the page and its side, in CSS pixels."""
        box = self.map.bounding_box()
        assert box is not None
        world = self.map_box
        side = world["side"] / size
        x = box["x"] + world["x"] + (col + 0.5) * side
        y = box["y"] + world["y"] + (row + 0.5) * side
        return x, y, side

    def map_center(self) -> tuple[float, float]:
        """Returns the center of the map on the page."""
        box = self.map.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def wait_until_still(self) -> None:
        """Waits until the map stops moving."""
        before: dict[str, float] = {}
        while before != (now := self.map_box):
            before = now
            self.page.wait_for_timeout(100)
        self.settle()

    def hover_cell(self, size: int, row: int, col: int) -> None:
        """Moves the pointer to a cell."""
        x, y, _ = self.locate_cell(size, row, col)
        self.page.mouse.move(x, y)

    def press_keys(self, *keys: str) -> None:
        """Focuses the map and presses keys."""
        self.map.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def select_option(self, label: str, option: str) -> None:
        """Selects an option by its visible label."""
        self.app.get_by_label(label, exact=True).select_option(label=option)

    def click_button(self, name: str) -> None:
        self.app.get_by_role("button", name=name, exact=True).click()

    def capture(self, clip: Mapping[str, float] | None = None) -> NDArray[np.int16]:
        """Returns (H, W, 3) of the map inside its focus ring, or of the part `clip` of the page."""
        if clip is None:
            box = self.map.bounding_box()
            assert box is not None
            clip = {
                "x": box["x"] + FOCUS_RING,
                "y": box["y"] + FOCUS_RING,
                "width": box["width"] - 2 * FOCUS_RING,
                "height": box["height"] - 2 * FOCUS_RING,
            }
        data = self.page.screenshot(clip=dict(clip), animations="disabled")  # type: ignore[arg-type]
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB")).astype(np.int16)

    def capture_cell(self, size: int, row: int, col: int, share: float = 0.5) -> NDArray[np.int16]:
        """Returns (H, W, 3) of the central part of a cell on the screen."""
        x, y, side = self.locate_cell(size, row, col)
        half = share * side / 2
        return self.capture({"x": x - half, "y": y - half, "width": 2 * half, "height": 2 * half})

    def _record_console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning") or READ_BACK_NOTE in message.text:
            return
        source = message.location["url"]
        ours = OURS in source or "plugin_entry.html" in source or CSP_MARK in message.text
        if ours:
            self.console_errors.append(f"{message.type}: {message.text} ({source})")

    def _record_request(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        if scheme in ("http", "https", "ws", "wss") and not rest.startswith("127.0.0.1:"):
            self.external_requests.append(url)
        if OURS in url:
            self.requests.append(url.partition(OURS)[2])

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    @property
    def data_requests(self) -> list[str]:
        """Data routes requested so far, in order, without the module and its chunks."""
        routes = [one.partition("?")[0] for one in self.requests]
        return [route for route in routes if not route.endswith(".js")]


def wait_until_painted(element: Locator) -> None:
    """Waits until the first canvas of `element` shows an image."""
    deadline = time.monotonic() + TIMEOUT_S
    while not _is_painted(element):
        assert time.monotonic() < deadline, f"{element} stays empty"
        time.sleep(0.05)


def _is_painted(element: Locator) -> bool:
    """Returns whether the canvas in `element` has an image: opaque, with more than one color."""
    pixels = element.locator("canvas").evaluate(
        """canvas => {
          const {width, height} = canvas;
          return width && height
            ? [...canvas.getContext('2d').getImageData(0, 0, width, height).data] : [];
        }"""
    )
    values = np.array(pixels, np.uint8).reshape(-1, 4)
    opaque = values[values[:, 3] > 0]
    return len(opaque) > len(values) / 2 and bool(opaque[:, :3].std(axis=0).max() > 1)


def _quote(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
