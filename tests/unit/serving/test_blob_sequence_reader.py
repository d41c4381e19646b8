# SPDX-License-Identifier: Apache-2.0
"""Parts of a log that are read again, with both loaders and with a simulated provider."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tensorboard.errors import NotFoundError

from tensorboard_plugin_atlas.serving.blob_sequence_reader import (
    RECHECK_SECONDS,
    RECHECK_STEPS,
    SequenceReader,
)
from tensorboard_plugin_atlas.serving.series_reader import Request, SeriesReader

SCENARIO = Path(__file__).parent / "listing_scenario.py"


@pytest.fixture(scope="module", params=["data-server", "python-loader"])
def seen(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    command = [sys.executable, str(SCENARIO), str(tmp_path_factory.mktemp("log")), request.param]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout)


class TestAGrowingLog:
    def test_the_first_listing_reads_all_in_one_call(self, seen: Any) -> None:
        assert (seen["first"]["calls"], seen["first"]["reads"]) == (2, [["*", "*"]])
        assert all(len(steps) == 5 and steps[-1] == 19 for steps in seen["first"]["steps"].values())

    def test_nothing_is_read_where_nothing_changed(self, seen: Any) -> None:
        assert (seen["unchanged"]["calls"], seen["unchanged"]["reads"]) == (1, [])
        assert seen["unchanged"]["new"] == []

    @pytest.mark.parametrize(
        ("change", "places"),
        [
            ("a new step among those kept", ["a/atlas:y"]),
            ("a new step in two runs", ["a/atlas:z", "b/atlas:z"]),
            ("a restart", ["b/atlas:x"]),
        ],
    )
    def test_what_changed_is_read_in_one_call(
        self, change: str, places: list[str], seen: Any
    ) -> None:
        wanted = [[run, f"layer/{layer}"] for run, layer in (one.split(":") for one in places)]
        assert (seen[change]["calls"], seen[change]["reads"]) == (2, wanted)
        assert seen[change]["new"] == places

    def test_a_full_reservoir_is_seen_to_change(self, seen: Any) -> None:
        steps = seen["a new step among those kept"]["steps"]["a/atlas:y"]
        assert (len(steps), steps[-1]) == (5, 20)

    def test_a_deleted_run_goes_without_a_read(self, seen: Any) -> None:
        assert (seen["a deleted run"]["calls"], seen["a deleted run"]["reads"]) == (1, [])
        assert {one.partition("/")[0] for one in seen["a deleted run"]["steps"]} == {"a"}


class Provider:
    """A provider that lists `steps` by tag of one run; tests can make its entries stale."""

    def __init__(self, steps: dict[str, list[int]]) -> None:
        self.steps = steps
        self.stale: dict[str, int] = {}
        self.gone: set[str] = set()
        self.length = 2
        self.reads: list[list[str]] = []

    def list_blob_sequences(self, **_query: Any) -> dict[str, dict[str, Any]]:
        return {
            "run": {
                tag: SimpleNamespace(
                    max_step=self.stale.get(tag, max(steps)),
                    max_wall_time=float("nan"),
                    max_length=self.length,
                )
                for tag, steps in self.steps.items()
            }
        }

    def read_blob_sequences(self, run_tag_filter: Any, **_query: Any) -> Any:
        tags = sorted(self.steps if run_tag_filter is None else run_tag_filter.tags)
        self.reads.append(tags)
        return {"run": {tag: self.steps[tag] for tag in tags if tag not in self.gone}}


def reader(
    provider: Provider, clock: Callable[[], float] = lambda: 0.0
) -> Callable[[], dict[tuple[str, str], Sequence[int]]]:
    found: SequenceReader[tuple[int, ...]] = SequenceReader(
        provider, lambda _run, _tag, data: tuple(data), clock
    )
    return lambda: dict(found.read(None, ""))


def test_a_change_that_its_entry_hides_is_seen_a_minute_later() -> None:
    provider, now = Provider({"a": [1, 2, 3]}), [0.0]
    read = reader(provider, lambda: now[0])
    read()
    provider.steps["a"], provider.stale["a"] = [1, 3], 3
    now[0] = RECHECK_SECONDS - 1
    assert (read(), read()) == ({("run", "a"): (1, 2, 3)},) * 2
    now[0] = RECHECK_SECONDS
    read()
    assert read() == {("run", "a"): (1, 3)}
    assert len(provider.reads) == 2


def test_so_many_steps_are_read_again_after_a_listing_and_no_more() -> None:
    tags = [f"{number:02}" for number in range(20)]
    provider, now = Provider({tag: list(range(RECHECK_STEPS // 4)) for tag in tags}), [0.0]
    read = reader(provider, lambda: now[0])
    read()
    now[0] = RECHECK_SECONDS
    provider.reads.clear()
    for _ in range(5):
        read()
    assert provider.reads == [tags[start : start + 4] for start in range(0, 20, 4)]
    read()
    assert len(provider.reads) == 5


def test_what_is_read_again_and_is_the_same_stays_the_same_object() -> None:
    provider, now = Provider({"a": [1], "b": [2]}), [0.0]
    found: SequenceReader[list[int]] = SequenceReader(
        provider, lambda _run, _tag, data: list(data), lambda: now[0]
    )
    before = found.read(None, "")
    now[0] = RECHECK_SECONDS
    found.read(None, "")
    assert found.read(None, "") is before
    assert len(provider.reads) == 2


def test_what_was_gone_when_it_was_read_is_read_again() -> None:
    provider = Provider({"a": [1]})
    provider.gone = {"a"}
    read = reader(provider)
    assert read() == {("run", "a"): ()}
    provider.gone.clear()
    assert read() == {("run", "a"): (1,)}


def test_lengths_that_no_writer_states_are_never_read() -> None:
    provider = Provider({"a": [1]})
    provider.length = 2**40
    read = reader(provider)
    assert (read(), read(), provider.reads) == ({("run", "a"): ()}, {("run", "a"): ()}, [])


def test_another_experiment_shares_nothing() -> None:
    provider = Provider({"a": [1]})
    found: SequenceReader[int] = SequenceReader(provider, lambda _run, _tag, data: len(data))
    for experiment in ("one", "two", "two", "one"):
        found.read(None, experiment)
    assert len(provider.reads) == 3


def test_pollers_of_one_moment_share_a_listing() -> None:
    gate, begun = threading.Event(), threading.Event()

    class Slow(Provider):
        def list_blob_sequences(self, **query: Any) -> Any:
            begun.set()
            gate.wait(120)
            self.reads.append(["listed"])
            return super().list_blob_sequences(**query)

    provider = Slow({})
    reader = SeriesReader(provider, lambda: 0.0)
    with ThreadPoolExecutor(8) as pool:
        found = [pool.submit(reader.all_series, Request(None, "")) for _ in range(8)]
        begun.wait(120)
        gate.set()
        assert all(one.result(30) == {} for one in found)
    assert provider.reads.count(["listed"]) == 1


def test_an_error_of_the_provider_keeps_what_was_known() -> None:
    provider = Provider({"a": [1]})
    read = reader(provider)
    read()

    def fail(**_query: Any) -> Any:
        raise NotFoundError("no")

    provider.steps["a"], original = [1, 2], provider.read_blob_sequences
    provider.read_blob_sequences = fail  # type: ignore[method-assign]
    with pytest.raises(NotFoundError):
        read()
    provider.read_blob_sequences = original  # type: ignore[method-assign]
    assert read() == {("run", "a"): (1, 2)}
