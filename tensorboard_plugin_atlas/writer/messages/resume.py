# SPDX-License-Identifier: Apache-2.0
"""Messages about a log that a new writer continues."""

from __future__ import annotations

from collections.abc import Iterator

from tensorboard_plugin_atlas.compute.probe.probe import Probe
from tensorboard_plugin_atlas.compute.probe.probe_diff import list_probe_changes
from tensorboard_plugin_atlas.logs.resume import ResumePoint


def list_resume_warnings(resume_point: ResumePoint, probe: Probe) -> Iterator[str]:
    """Yields warnings to show before a log is continued."""
    if resume_point.problems:
        yield (
            f"AtlasWriter: skipped {len(resume_point.problems)} unreadable records at the end of "
            f"the log: {resume_point.problems[0]}. Run `tensorboard-atlas doctor` for details"
        )
    atlases = resume_point.atlases.values()
    changes = {change for atlas in atlases for change in list_probe_changes(atlas, probe)}
    if changes:
        yield (
            "AtlasWriter: new maps are started, since the log was made with another probe: "
            f"{', '.join(sorted(changes))}. To continue the logged maps, pass the same images, "
            "samples, and seed"
        )


def describe_used_log(resume_point: ResumePoint) -> str | None:
    """Returns what happens to a log that already has atlases; None for a new log."""
    last = resume_point.last_step
    if last is None:
        return None
    return (
        f"AtlasWriter: the log already has atlases up to step {last:,}. Later steps continue it, "
        "and others are not logged. To start over, pass restart=True or another directory; to "
        "resume from an earlier step, pass purge_step"
    )
