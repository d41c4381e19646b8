// SPDX-License-Identifier: Apache-2.0
/** The comparison of two steps. */

import { html, nothing, type TemplateResult } from 'lit';
import { centerOf } from '../../domain/cell_stats';
import type { Change } from '../../domain/comparison/difference';
import type { AtlasMap } from '../../map/atlas_map';
import type { OverlayPainter } from '../../map/overlay';
import { drawDifference } from '../../map/overlays/difference';
import { drawDivider } from '../../map/overlays/swipe_divider';
import { announcedChange, dividerAt } from '../../state/comparison_actions';
import { differenceOf, differenceSentence } from '../../state/difference_values';
import { nameReference } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { count } from '../../util/format';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { compareBar, dividerSlider } from './compare_bar';
import { conceptMatches } from './concept_match_list';
import { differenceLegend } from './difference_legend';

export class StepComparisonController implements Feature {
  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
  ) {}

  /** A beside B, or what B has more and less than A. */
  overlays(state: State): readonly OverlayPainter[] {
    const { compareMode, compare, step, flipped } = state;
    if (compare === null || flipped || compareMode === 'blink') return [];
    if (compareMode === 'swipe') {
      const [left, right] = [`A · ${nameReference(state)}`, `B · step ${count(step ?? 0)}`];
      return [
        (context, frame) =>
          drawDivider(context, frame, dividerAt(state, frame.viewport), left, right),
      ];
    }
    return [
      (context, frame) => {
        const found = differenceOf(state, frame.atlas, frame.level);
        if (typeof found !== 'string') drawDifference(context, frame, found);
      },
    ];
  }

  legend(state: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing {
    const { compare, compareMode, flipped } = state;
    if (flipped || compare === null) return nothing;
    return html`${
      compareMode === 'difference'
        ? differenceLegend(state, atlas, level, this.#go(level))
        : nothing
    }${conceptMatches(state, atlas, this.session)}`;
  }

  /** Pins the square of a change and brings it into view. */
  #go({ size }: Level): (change: Change) => void {
    return ({ row, col }) => {
      const { store } = this.session;
      const place = { size, row, col };
      store.set({ pinned: place, hover: null });
      this.map.flyTo({ ...centerOf(place), z: store.state.camera.z });
    };
  }

  announce(state: State, before: State): string | null {
    const { atlas, shownLevel, flipped } = state;
    const level = levelOf(atlas, shownLevel);
    if (!atlas || !level) return null;
    if (flipped !== before.flipped) return flipped ? 'A is shown' : 'B is shown';
    if (announcedChange(state) !== 'difference') return null;
    const moved = atlas !== before.atlas && !state.playing;
    const fresh = announcedChange(before) !== 'difference' || state.other !== before.other;
    if (!fresh && !moved) return null;
    const found = differenceOf(state, atlas, level);
    return typeof found === 'string' ? found : differenceSentence(state, found);
  }

  strip(state: State): TemplateResult | typeof nothing {
    return compareBar(state, this.session);
  }

  mapControls(state: State): TemplateResult | typeof nothing {
    return dividerSlider(state, this.session);
  }
}
