# SPDX-License-Identifier: Apache-2.0
"""The values of the manifest of one step that a history keeps."""

from __future__ import annotations

from dataclasses import dataclass

from tensorboard_plugin_atlas.serving.concept_summary import summarize_concepts
from tensorboard_plugin_atlas.wire.manifest_types import AtlasManifest, SkippedEntry
from tensorboard_plugin_atlas.wire.response_types import HistoryStepConcepts


@dataclass(frozen=True)
class StepFacts:
    """The values of a manifest that a history keeps, since whole manifests can be large."""

    sequence: int
    samples: int
    trustworthiness: float | None
    neighbors_kept: float | None
    skipped: tuple[SkippedEntry, ...]
    concepts: HistoryStepConcepts | None


def extract_facts(fields: AtlasManifest) -> StepFacts:
    """Returns the values of a manifest that a history keeps."""
    quality = fields.quality
    return StepFacts(
        sequence=fields.sequence,
        samples=fields.samples,
        trustworthiness=quality.trustworthiness,
        neighbors_kept=quality.neighbors_kept,
        skipped=fields.skipped,
        concepts=summarize_concepts(fields),
    )
