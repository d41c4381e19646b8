// SPDX-License-Identifier: Apache-2.0
/** Shows the drift since another step: on the map, in its legend, and as a line on the card of a cell. */

import { html, nothing, type TemplateResult } from 'lit';
import type { NearestSamples } from '../../domain/nearest_samples';
import type { OverlayPainter } from '../../map/overlay';
import { drawChange, drawDisplacement } from '../../map/overlays/step_change';
import { announcedChange } from '../../state/comparison_actions';
import { driftOf, driftOfCell, formatSignificantCells } from '../../state/drift_values';
import { referenceOf } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { driftLegend } from './drift_legend';

export class DriftController implements Feature {
  constructor(
    private readonly session: Session,
    private readonly nearest: NearestSamples,
  ) {}

  ready({ drift }: State): boolean {
    return drift !== 'activation' || this.nearest.idle;
  }

  overlays({ drift, flipped }: State): readonly OverlayPainter[] {
    if (!drift || flipped) return [];
    return [
      (context, frame) => {
        const { state } = this.session.store;
        const found = driftOf(state, frame.atlas, frame.level, this.nearest);
        if (typeof found === 'string') return;
        if ('from' in found) drawDisplacement(context, frame, found);
        else drawChange(context, frame, found);
      },
    ];
  }

  legend({ drift, flipped }: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing {
    if (!drift || flipped) return nothing;
    return driftLegend(this.session, atlas, level, this.nearest);
  }

  announce(state: State, before: State): string | null {
    const { atlas, shownLevel } = state;
    const level = levelOf(atlas, shownLevel);
    const channel = announcedChange(state);
    if (!atlas || !level || channel === '' || channel === 'difference') return null;
    if (channel === announcedChange(before) && state.other === before.other) return null;
    const found = driftOf(state, atlas, level, this.nearest);
    return typeof found === 'string' ? found : formatSignificantCells(state, found);
  }

  inspectorSection(cell: CellContext): TemplateResult | typeof nothing {
    return this.cardLine(cell);
  }

  /** How the members of a cell have changed, while the map shows it or holds two steps side by side. */
  cardLine({ state, atlas, level, facts, nearest }: CellContext): TemplateResult | typeof nothing {
    const other = referenceOf(state);
    if (other === null || other === atlas) return nothing;
    const drift = driftOf(state, atlas, level, nearest);
    return typeof drift === 'string'
      ? nothing
      : html`<p>${driftOfCell(state, drift, facts.cell)}</p>`;
  }
}
