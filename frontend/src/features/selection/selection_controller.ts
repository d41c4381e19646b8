// SPDX-License-Identifier: Apache-2.0
/** Controls highlighted samples, the selection, pins, and the selection tools. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf } from '../../domain/class_atlas';
import { highlightedRows } from '../../domain/highlight';
import type { AtlasMap } from '../../map/atlas_map';
import type { OverlayPainter } from '../../map/overlay';
import { drawHighlight } from '../../map/overlays/highlight';
import { drawPins } from '../../map/overlays/selection';
import { readPins, writePins } from '../../state/pins';
import { atlasOnScreen } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { highlightPill, highlightSentence } from './highlight_pill';
import { SelectTool } from './select_tool';
import { toolHint } from './tool_hint';

export class SelectionController implements Feature {
  readonly #tool: SelectTool;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
  ) {
    this.#tool = new SelectTool(map, session);
    session.store.subscribe(({ pins }, before) => {
      if (pins !== before.pins) this.#clean(pins);
    });
    this.#clean(session.store.state.pins);
  }

  overlays({ highlight }: State): readonly OverlayPainter[] {
    if (highlight === null) return [];
    return [
      (context, frame) => drawHighlight(context, frame, highlightedRows(frame.atlas, highlight)),
    ];
  }

  marks(state: State): readonly OverlayPainter[] {
    const { pins } = state;
    const drawn: OverlayPainter[] =
      pins === '' ? [] : [(context, frame) => drawPins(context, frame, readPins(pins))];
    return [...drawn, ...this.#tool.painters(state)];
  }

  /** Removes text from the URL that is not a pin. */
  #clean(pins: string): void {
    this.session.store.set({ pins: writePins(readPins(pins)) });
    this.map.invalidate();
  }

  announce({ atlas, shownLevel, highlight }: State, before: State): string | null {
    const level = levelOf(atlas, shownLevel);
    if (!atlas || !level || highlight === null || highlight === before.highlight) return null;
    return highlightSentence(atlas, level, highlight);
  }

  mapControls(state: State): TemplateResult {
    const { highlight } = state;
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, state.shownLevel);
    return html`<div class="top-column ${atlas && classAtlasOf(atlas)?.axis ? 'below-axis' : ''}">
      ${toolHint(state)}
      ${
        highlight && atlas && level ? highlightPill(atlas, level, highlight, this.session) : nothing
      }
    </div>`;
  }
}
