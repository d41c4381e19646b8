# SPDX-License-Identifier: Apache-2.0
"""An exported page works in Firefox."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ExportLog
from firefox import find_firefox, start_firefox

APP = "document.querySelector('atlas-app')"
COUNT_COLORS = f"""
const canvas = {APP}.shadowRoot.querySelector('atlas-map canvas');
const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
return new Promise((done) => requestAnimationFrame(() => {{
  copy.drawImage(canvas, 0, 0);
  const {{data}} = copy.getImageData(0, 0, canvas.width, canvas.height);
  done(new Set(new Uint32Array(data.buffer)).size);
}}));
"""


def test_an_exported_page_in_firefox(export_log: ExportLog, tmp_path: Path) -> None:
    """The map is there, the step changes, the address follows, and there is no error."""
    executable = find_firefox()
    if executable is None:
        pytest.skip("no Firefox")
    path = export_log("concepts", run="moving")
    with start_firefox(executable, tmp_path) as firefox:
        firefox.open(f"{path.as_uri()}#p.atlas.step=100&p.atlas.grid=8")
        firefox.wait(f"{APP}?.dataset.ready === 'true' && {APP}.dataset.shownStep === '100'")
        assert firefox.run_script(f"return {APP}.dataset.failure") == ""
        assert firefox.run_script(COUNT_COLORS) > 50
        assert firefox.page_errors() == []
        firefox.run_script(f"{APP}.shadowRoot.querySelector('input[type=range]').focus()")
        firefox.run_script(
            f"{APP}.shadowRoot.querySelector('atlas-map').dispatchEvent("
            "new KeyboardEvent('keydown', {key: '.', bubbles: true, composed: true}))"
        )
        firefox.wait(f"{APP}.dataset.ready === 'true' && {APP}.dataset.shownStep === '200'")
        firefox.wait("location.hash.includes('p.atlas.step=200')")
        assert firefox.page_errors() == []
        # The errors of a page are in this list.
        firefox.run_script("setTimeout(() => { throw new Error('planted'); })")
        firefox.open("about:blank")
        assert any("planted" in error for error in firefox.page_errors())
