// SPDX-License-Identifier: Apache-2.0
/** What differs between two steps: drift, difference, and the tools to compare by. */

import { html, nothing, type TemplateResult } from 'lit';
import { centreOf } from '../../domain/cell_stats';
import type { Change } from '../../domain/difference';
import type { Evidence } from '../../domain/nearest_samples';
import type { AtlasMap } from '../../map/atlas_map';
import type { Layer } from '../../map/overlay';
import { drawDifference, drawDivider } from '../../map/overlays/difference';
import { drawChange, drawDrift } from '../../map/overlays/drift';
import { dividerAt } from '../../state/comparison';
import { differenceOf, differenceSentence } from '../../state/difference_reading';
import { driftOf, driftOfCell, driftSentence } from '../../state/drift_reading';
import { referenceOf } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import { count } from '../../util/format';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import { compareBar, dividerSlider } from './compare_bar';
import { differenceLegend } from './difference_legend';
import { driftLegend } from './drift_legend';

export class Changes {
  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly evidence: Evidence,
  ) {}

  /** Where cells went, over all else that is told of them. */
  drift({ drift, flipped }: State): readonly Layer[] {
    if (!drift || flipped) return [];
    return [
      (context, frame) => {
        const { state } = this.session.store;
        const found = driftOf(state, frame.atlas, frame.level, this.evidence);
        if (typeof found === 'string') return;
        if ('from' in found) drawDrift(context, frame, found);
        else drawChange(context, frame, found);
      },
    ];
  }

  /** A beside B, or what B has more and less than A. */
  comparison(state: State): readonly Layer[] {
    const { compareMode, compare, step, flipped } = state;
    if (compare === null || flipped || compareMode === 'blink') return [];
    if (compareMode === 'swipe') {
      const [left, right] = [`A · step ${count(compare)}`, `B · step ${count(step ?? 0)}`];
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

  /** Above the legend. */
  legends(state: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing {
    const { compare, compareMode, flipped, drift } = state;
    if (flipped) return nothing;
    const differs = compare !== null && compareMode === 'difference';
    return html`${differs ? differenceLegend(state, atlas, level, this.#go(level)) : nothing}
    ${drift ? driftLegend(this.session, atlas, level, this.evidence) : nothing}`;
  }

  /** Pins the square of a change and brings it into view. */
  #go({ size }: Level): (change: Change) => void {
    return ({ row, col }) => {
      const { store } = this.session;
      const place = { size, row, col };
      store.set({ pinned: place, hover: null });
      this.map.flyTo({ ...centreOf(place), z: store.state.camera.z });
    };
  }

  /** What a screen reader should hear of a change, or null. */
  sentence(state: State, before: State): string | null {
    const { atlas, shownLevel, flipped } = state;
    const level = levelOf(atlas, shownLevel);
    if (!atlas || !level) return null;
    if (flipped !== before.flipped) return flipped ? 'A is shown' : 'B is shown';
    const telling = told(state);
    const moved = telling === 'difference' && atlas !== before.atlas && !state.playing;
    const fresh = telling !== told(before) || state.other !== before.other || moved;
    if (!telling || !fresh) return null;
    if (telling === 'difference') {
      const found = differenceOf(state, atlas, level);
      return typeof found === 'string' ? found : differenceSentence(state, found);
    }
    const found = driftOf(state, atlas, level, this.evidence);
    return typeof found === 'string' ? found : driftSentence(state, found);
  }

  /** How the members of a cell have changed, while the map shows it or holds two steps side by side. */
  line({ state, atlas, level, facts, evidence }: CellContext): TemplateResult | typeof nothing {
    const other = referenceOf(state);
    if (other === null || other === atlas) return nothing;
    const drift = driftOf(state, atlas, level, evidence);
    return typeof drift === 'string'
      ? nothing
      : html`<p>${driftOfCell(state, drift, facts.cell)}</p>`;
  }

  /** Below the bar at the head of the tab. */
  strip(state: State): TemplateResult | typeof nothing {
    return compareBar(state, this.session);
  }

  /** Over the map. */
  divider(state: State): TemplateResult | typeof nothing {
    return dividerSlider(state, this.session);
  }
}

/** What of two steps is told in words, if anything. */
function told({ compare, compareMode, drift }: State): 'difference' | State['drift'] {
  if (compare !== null && compareMode === 'difference') return 'difference';
  return drift;
}
