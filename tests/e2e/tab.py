# SPDX-License-Identifier: Apache-2.0
"""Drives the Atlas tab in a real browser as a person would, and watches what it complains of."""

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
READ_BACK = "GPU stall due to ReadPixels"
"""Chromium's note to itself when it composes pages without a GPU and so reads canvases back."""
RING = 6
PATIENCE_S = 20.0

REPORT_CSP = """
if (location.pathname.endsWith('/plugin_entry.html')) {
  addEventListener('securitypolicyviolation', (event) =>
    console.error('CSP violation:', event.violatedDirective, event.blockedURI));
}
"""


class Tab:
    """One page with the Atlas tab, inside TensorBoard or (`alone`) the plugin's own page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        self.outside: list[str] = []
        self._forgiven: tuple[str, ...] = ()
        self._root: Page | FrameLocator = page
        page.add_init_script(REPORT_CSP)
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"uncaught: {error}"))
        page.on("request", lambda request: self._count(request.url))
        page.on("dialog", self._dismiss)

    def forgive(self, *texts: str) -> None:
        """Complaints that hold one of `texts` are part of this test."""
        self._forgiven = texts

    @property
    def scripts(self) -> set[str]:
        """Names of the files of our JavaScript that were requested so far."""
        return {one for one in self.requests if one.endswith(".js")}

    @property
    def unforgiven(self) -> list[str]:
        return [one for one in self.complaints if not any(text in one for text in self._forgiven)]

    def open(
        self, url: str, *, alone: bool = False, query: str = "", ready: bool = True, **state: object
    ) -> Tab:
        """Goes to the tab with `state` in the hash, and waits until it has come to rest."""
        keys = "".join(
            f"&p.atlas.{key}={quote(str(value), safe='')}" for key, value in state.items()
        )
        self._root = self.page if alone else self.page.frame_locator("iframe")
        self.page.goto(url + (ENTRY if alone else query) + "#atlas" + keys)
        if ready:
            self.settle()
        return self

    def framed(self) -> Tab:
        """Looks for the app inside TensorBoard's page, wherever that has been led."""
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
        """Waits for rest and for `data-*` attributes of the app, which it returns."""
        wanted = {"ready": "true", **{key: str(value) for key, value in marks.items()}}
        pattern = "".join(f"[data-{key}={_quoted(value)}]" for key, value in wanted.items())
        try:
            self._root.locator("atlas-app" + pattern).wait_for(state="attached")
        except Exception as error:
            raise AssertionError(f"wanted {wanted}, is {self.marks}: {self.complaints}") from error
        return self.marks

    @property
    def marks(self) -> dict[str, str]:
        found: dict[str, str] = self.app.evaluate("app => ({...app.dataset})")
        return found

    def shows(self, step: int, **marks: object) -> dict[str, str]:
        """Waits until `step` is drawn."""
        return self.settle(step=step, **{"shown-step": step}, **marks)

    @property
    def state(self) -> dict[str, str]:
        """Our keys of the hash of the page that the user sees."""
        tokens = self.page.evaluate("location.hash.slice(1).split('&')")
        pairs = (token.split("=", 1) for token in tokens if token.startswith("p.atlas."))
        return {key.removeprefix("p.atlas."): unquote(value) for key, value in pairs}

    def linked(self, **wanted: object) -> None:
        """Waits until the hash holds `wanted`; None means absent."""
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

    def centred(self, x: float, y: float | None = None, *, within: float) -> None:
        """Waits until the hash says that the view is zoomed in around a place of the map."""
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
    def world(self) -> dict[str, float]:
        """Corner and side of the whole map on its element, in CSS pixels."""
        box: dict[str, float] = self.map.evaluate("map => map.boxOf({size: 1, row: 0, col: 0})")
        return box

    def place(self, size: int, row: int, col: int) -> tuple[float, float, float]:
        """Middle of a cell on the page and its side, in CSS pixels."""
        box = self.map.bounding_box()
        assert box is not None
        world = self.world
        side = world["side"] / size
        x = box["x"] + world["x"] + (col + 0.5) * side
        y = box["y"] + world["y"] + (row + 0.5) * side
        return x, y, side

    def middle(self) -> tuple[float, float]:
        """Middle of the map on the page."""
        box = self.map.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def still(self) -> None:
        """Waits until the map flies no more."""
        before: dict[str, float] = {}
        while before != (now := self.world):
            before = now
            self.page.wait_for_timeout(100)
        self.settle()

    def point_at(self, size: int, row: int, col: int) -> None:
        """Rests the pointer on a cell."""
        x, y, _ = self.place(size, row, col)
        self.page.mouse.move(x, y)

    def key(self, *keys: str) -> None:
        """Presses keys while the map has the focus."""
        self.map.focus()
        for key in keys:
            self.page.keyboard.press(key)

    def choose(self, label: str, option: str) -> None:
        """Picks an option of a select by the words that people read."""
        self.app.get_by_label(label, exact=True).select_option(label=option)

    def press(self, name: str) -> None:
        self.app.get_by_role("button", name=name, exact=True).click()

    def picture(self, clip: Mapping[str, float] | None = None) -> NDArray[np.int16]:
        """(H, W, 3) of the map inside its focus ring, or of `clip` of the page, as shown."""
        if clip is None:
            box = self.map.bounding_box()
            assert box is not None
            clip = {
                "x": box["x"] + RING,
                "y": box["y"] + RING,
                "width": box["width"] - 2 * RING,
                "height": box["height"] - 2 * RING,
            }
        data = self.page.screenshot(clip=dict(clip), animations="disabled")  # type: ignore[arg-type]
        with Image.open(io.BytesIO(data)) as image:
            return np.asarray(image.convert("RGB")).astype(np.int16)

    def cell_picture(self, size: int, row: int, col: int, share: float = 0.5) -> NDArray[np.int16]:
        """The middle of a cell as the screen shows it."""
        x, y, side = self.place(size, row, col)
        half = share * side / 2
        return self.picture({"x": x - half, "y": y - half, "width": 2 * half, "height": 2 * half})

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning") or READ_BACK in message.text:
            return
        source = message.location["url"]
        ours = OURS in source or "plugin_entry.html" in source or CSP_MARK in message.text
        if ours:
            self.complaints.append(f"{message.type}: {message.text} ({source})")

    def _count(self, url: str) -> None:
        scheme, _, rest = url.partition("://")
        if scheme in ("http", "https", "ws", "wss") and not rest.startswith("127.0.0.1:"):
            self.outside.append(url)
        if OURS in url:
            self.requests.append(url.partition(OURS)[2])

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    @property
    def data_requests(self) -> list[str]:
        """Routes of data asked for so far, in order, without the module and its chunks."""
        routes = [one.partition("?")[0] for one in self.requests]
        return [route for route in routes if not route.endswith(".js")]


def until_painted(element: Locator) -> None:
    """Waits for the picture in the first canvas of `element`; pictures come when they come."""
    deadline = time.monotonic() + PATIENCE_S
    while not _painted(element):
        assert time.monotonic() < deadline, f"{element} stays empty"
        time.sleep(0.05)


def _painted(element: Locator) -> bool:
    """Whether the canvas in `element` holds a picture: opaque and not of one colour."""
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


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
