# SPDX-License-Identifier: Apache-2.0
"""What is selected for an export, and what a size limit leaves out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from exported_pages import SHORTCUT_STEPS, make_tiny_atlas, write_small_log
from synthetic_shortcuts import make_shortcuts

from tensorboard_plugin_atlas.errors import ArgumentError
from tensorboard_plugin_atlas.export.event_provider import (
    LogContents,
    RecordLocation,
    RunTag,
    scan_log,
)
from tensorboard_plugin_atlas.export.export_selection import (
    AtlasSize,
    Omissions,
    Selection,
    fit_size,
    select_grids,
    thin_steps,
)
from tensorboard_plugin_atlas.log_names import CHILD_RUN, Revision, layer_tag, shortcuts_tag
from tensorboard_plugin_atlas.logs.event_file import EventSink
from tensorboard_plugin_atlas.wire.atlas_codec import encode_atlas
from tensorboard_plugin_atlas.wire.shortcut_codec import encode_shortcuts

PRELIMINARY_X = layer_tag("x", Revision.PRELIMINARY)


def make_log(steps: Mapping[RunTag, Sequence[int]]) -> LogContents:
    """Returns a log without files that has steps for each run and tag."""
    return LogContents(
        {
            (run, tag): tuple(
                RecordLocation(step, 0.0, 1, tag, Path("file"), offset)
                for offset, step in enumerate(found)
            )
            for (run, tag), found in steps.items()
        }
    )


def steps_by_tag(log: LogContents) -> dict[RunTag, list[int]]:
    return {key: [one.step for one in found] for key, found in log.records.items()}


@pytest.fixture
def log(tmp_path: Path) -> LogContents:
    """Runs "exp" and "exp2" with steps of their own, and "exp/sub" below the first."""
    write_small_log(tmp_path)
    write_small_log(tmp_path, "exp2", (0, 5))
    write_small_log(tmp_path, "exp/sub", (7,))
    return scan_log(tmp_path)


class TestSelection:
    def test_everything_by_default(self, log: LogContents) -> None:
        assert Selection().apply(log) == log

    def test_a_run_and_those_below_it(self, log: LogContents) -> None:
        kept = Selection(run="exp").apply(log)
        assert {run for run, _ in kept.records} == {"exp/atlas", "exp/sub/atlas"}
        kept = Selection(run="exp/atlas").apply(log)
        assert {run for run, _ in kept.records} == {"exp/atlas"}

    def test_layers_with_their_shortcuts_and_probe_images(self, log: LogContents) -> None:
        kept = Selection(run="exp/atlas", layers=("layer3",)).apply(log)
        assert steps_by_tag(kept) == {
            ("exp/atlas", "probe"): [0],
            ("exp/atlas", "first/layer/layer3"): [0],
            ("exp/atlas", "layer/layer3"): [10, 20, 30, 40],
            ("exp/atlas", "shortcuts/layer3"): list(SHORTCUT_STEPS),
        }
        kept = Selection(run="exp/atlas", layers=("layer4",)).apply(log)
        assert not [tag for _, tag in kept.records if "layer3" in tag]

    def test_probe_images_of_runs_without_a_selected_layer_are_left_out(
        self, tmp_path: Path
    ) -> None:
        write_small_log(tmp_path)
        log = scan_log(tmp_path)
        only = {key: log.records[key] for key in log.records if key[1] != "layer/layer4"}
        other = {("b/atlas", tag): found for (_, tag), found in only.items() if "layer4" not in tag}
        both = LogContents({**log.records, **other})
        kept = Selection(layers=("layer4",)).apply(both)
        assert {run for run, _ in kept.records} == {"exp/atlas"}

    def test_steps(self, log: LogContents) -> None:
        kept = Selection(run="exp/atlas", steps=(10, 0)).apply(log)
        assert {
            tag: steps for (_, tag), steps in steps_by_tag(kept).items() if "layer3" in tag
        } == {"first/layer/layer3": [0], "layer/layer3": [10], "shortcuts/layer3": [10]}

    @pytest.mark.parametrize(
        ("every", "steps"),
        [
            (1, [0, 1, 2, 3, 4, 5, 6]),
            (2, [0, 2, 4, 6]),
            (3, [0, 3, 6]),
            (4, [0, 4, 6]),
            (100, [0, 6]),
        ],
    )
    def test_one_of_several_steps_with_the_first_and_the_last(
        self, every: int, steps: list[int]
    ) -> None:
        kept = thin_steps(make_log({("a", "layer/x"): range(7)}), every)
        assert steps_by_tag(kept) == {("a", "layer/x"): steps}

    def test_all_records_of_a_step_are_kept_or_left_out_together(self) -> None:
        log = make_log(
            {
                ("a", "probe"): [0],
                ("a", "first/layer/x"): [0],
                ("a", "layer/x"): [10, 20, 30],
                ("a", PRELIMINARY_X): [40],
                ("a", "first/shortcuts/x"): [0],
                ("a", "shortcuts/x"): [10, 20, 30, 40],
                ("a", "layer/y"): [10, 20],
                ("b", "layer/x"): [5, 6, 7],
                ("a/refined/0001", "refined/x"): [10, 20],
            }
        )
        assert steps_by_tag(thin_steps(log, 2)) == {
            ("a", "probe"): [0],
            ("a", "first/layer/x"): [0],
            ("a", "layer/x"): [20],
            ("a", PRELIMINARY_X): [40],
            ("a", "first/shortcuts/x"): [0],
            ("a", "shortcuts/x"): [20, 40],
            ("a/refined/0001", "refined/x"): [20],
            ("a", "layer/y"): [10, 20],
            ("b", "layer/x"): [5, 7],
        }

    def test_the_last_atlas_is_kept_where_later_steps_have_other_records_only(self) -> None:
        """Steps without an atlas, which the tab cannot show, do not count."""
        log = make_log(
            {
                ("a", "layer/x"): [0, 10, 20],
                ("a", "shortcuts/x"): [5, 10, 99],
                ("a/refined/0001", "refined/x"): [3, 77],
            }
        )
        assert steps_by_tag(thin_steps(log, 5)) == {("a", "layer/x"): [0, 20]}

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"run": "exp3"}, "run 'exp3' was not logged; pass one of exp, exp/sub, exp2"),
            (
                {"layers": ("layer3", "layer9")},
                "layer 'layer9' was not logged; pass one of layer3, layer4",
            ),
            (
                {"run": "exp2", "steps": (5, 6)},
                "step 6 was not logged; pass one of 0, 5",
            ),
            (
                {"run": "exp/sub", "layers": ("layer3",), "steps": (0,)},
                "step 0 was not logged; pass one of 7",
            ),
        ],
    )
    def test_what_was_not_logged_is_named(
        self, given: dict[str, Any], message: str, log: LogContents
    ) -> None:
        with pytest.raises(ArgumentError) as raised:
            Selection(**given).apply(log)
        assert str(raised.value) == message

    def test_ten_steps_are_listed_at_most(self) -> None:
        with pytest.raises(ArgumentError) as raised:
            Selection(steps=(99,)).apply(make_log({("a", "layer/x"): range(11)}))
        assert str(raised.value) == (
            "step 99 was not logged; pass one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ..."
        )

    def test_a_log_without_atlases(self, tmp_path: Path) -> None:
        for log in (scan_log(tmp_path), make_log({("a", "probe"): [0]})):
            with pytest.raises(ArgumentError) as raised:
                Selection().apply(log)
            assert str(raised.value) == (
                "no atlases in this log directory; pass the directory that was passed to "
                "AtlasWriter, or one above it"
            )


def make_sizes(*steps: int, series: str = "s", base: int = 100) -> list[AtlasSize]:
    """Returns atlases of 100 + 50 (activations) + 10 + 20 + 40 (icons) bytes."""
    return [
        AtlasSize(
            series=series, step=step, base=base, activations=50, icons={5: 10, 10: 20, 20: 40}
        )
        for step in steps
    ]


class TestFitSize:
    """Each atlas of `make_sizes` has 220 bytes: 110 of them for the map and the coarsest icons."""

    @pytest.mark.parametrize(
        ("limit", "omissions"),
        [
            (1107, Omissions()),
            (1106, Omissions(activations=True)),  # 5 * 170 + 7
            (857, Omissions(activations=True)),
            (856, Omissions(activations=True, largest_grid=10)),  # 5 * 130 + 7
            (657, Omissions(activations=True, largest_grid=10)),
            (656, Omissions(activations=True, largest_grid=5)),  # 5 * 110 + 7
            (557, Omissions(activations=True, largest_grid=5)),
            (556, Omissions(activations=True, largest_grid=5, every=2)),  # 3 * 110 + 7
            (337, Omissions(activations=True, largest_grid=5, every=2)),
            (336, Omissions(activations=True, largest_grid=5, every=8)),  # 2 * 110 + 7
            (227, Omissions(activations=True, largest_grid=5, every=8)),
        ],
    )
    def test_the_least_is_left_out(self, limit: int, omissions: Omissions) -> None:
        """Of five steps, every second leaves 0, 2 and 4, and every fourth 0 and 4, as every 8th."""
        found = fit_size(make_sizes(0, 1, 2, 3, 4), 7, limit, Omissions())
        if omissions.every == 8:
            assert found.every in (4, 8)
        else:
            assert found == omissions
        assert (found.activations, found.largest_grid) == (
            omissions.activations,
            omissions.largest_grid,
        )

    def test_too_small_a_limit_is_refused_with_the_smallest_size(self) -> None:
        sizes = make_sizes(0, 1, 2, base=1_000_000)
        message = (
            r"max_megabytes=1: the smallest page with these layers has 2\.1 MB; pass a larger "
            "limit, or fewer layers or runs"
        )
        with pytest.raises(ArgumentError, match=message):
            fit_size(sizes, 7, 1_000_000, Omissions())
        # The size in the message is rounded up, so that it is large enough.
        assert fit_size(sizes, 7, 2_100_000, Omissions()).every > 1

    def test_each_series_keeps_its_first_and_last_step(self) -> None:
        sizes = [*make_sizes(0, 1, 2), *make_sizes(7, series="t"), *make_sizes(8, 9, series="u")]
        assert fit_size(sizes, 0, 550, Omissions()).every > 1  # 2 + 1 + 2 atlases
        with pytest.raises(ArgumentError):
            fit_size(sizes, 0, 549, Omissions())

    def test_what_is_left_out_anyway_stays_left_out(self) -> None:
        start = Omissions(activations=True)
        assert fit_size(make_sizes(0), 0, 10_000, start) == start

    def test_a_page_without_atlases(self) -> None:
        assert fit_size([], 10, 10, Omissions()) == Omissions()
        with pytest.raises(ArgumentError):
            fit_size([], 11, 10, Omissions())

    def test_the_coarsest_grid_is_kept_even_if_it_is_finer_than_the_limit(self) -> None:
        assert select_grids([20, 5, 10], None) == [5, 10, 20]
        assert select_grids([20, 5, 10], 10) == [5, 10]
        assert select_grids([20, 10], 5) == [10]
        assert select_grids([], 5) == []


def test_records_of_shortcuts_do_not_count_as_atlases(tmp_path: Path) -> None:
    sink = EventSink(tmp_path / CHILD_RUN)
    sink.write(layer_tag("layer3"), encode_atlas(make_tiny_atlas(0)), 0)
    sink.write(shortcuts_tag("layer3"), encode_shortcuts(make_shortcuts(10)), 10)
    sink.close()
    assert scan_log(tmp_path).count_atlases() == 1
    with pytest.raises(ArgumentError, match="step 10 was not logged; pass one of 0"):
        Selection(steps=(10,)).apply(scan_log(tmp_path))
