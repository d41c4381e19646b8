# SPDX-License-Identifier: Apache-2.0
"""The tab of the installed wheel, served without torch and without the source tree."""

from __future__ import annotations

import pytest
from atlas_tab import Tab
from conftest import wait_for_atlases

pytest_plugins = ("wheel_fixtures",)


@pytest.mark.wheel
def test_the_tab_opens_from_the_wheel(wheel_tensorboard: str, tab: Tab) -> None:
    wait_for_atlases(wheel_tensorboard, 2 * 2 * 3)
    tab.open(wheel_tensorboard, run="warm/atlas", layer="layer3")
    tab.wait_for_step(400)
    assert tab.capture().std() > 5
    tab.press_keys(",", "ArrowRight")
    tab.wait_for_step(100)
    tab.card.get_by_text("cosine").wait_for()
