// SPDX-License-Identifier: Apache-2.0
/** What is always shown of more than one step: how scenes follow each other, signs on the time line, what is lit. */

import { html, nothing, type TemplateResult } from 'lit';
import { classAtlasOf } from '../../domain/class_atlas';
import { highlightedRows } from '../../domain/highlight';
import type { AtlasMap } from '../../map/atlas_map';
import type { Layer } from '../../map/overlay';
import { drawHighlight } from '../../map/overlays/highlight';
import { Director } from '../../map/scene_transition';
import { jumpTo } from '../../state/go_to_event';
import { atlasOnScreen, Reference } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { highlightPill, highlightSentence } from '../../ui/highlight_pill';
import { toolHint } from '../../ui/tool_hint';
import { levelOf } from '../../wire/atlas';
import type { RunEvent } from '../../wire/history';
import { eventMarks, sideMark } from './event_marks';

export class Evolution {
  readonly director = new Director();

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
  ) {
    new Reference(session);
  }

  /** What is drawn over the tiles. */
  layers({ highlight }: State): readonly Layer[] {
    if (highlight === null) return [];
    return [
      (context, frame) => drawHighlight(context, frame, highlightedRows(frame.atlas, highlight)),
    ];
  }

  /** What a screen reader should hear of a change, or null. */
  sentence({ atlas, shownLevel, highlight }: State, before: State): string | null {
    const level = levelOf(atlas, shownLevel);
    if (!atlas || !level || highlight === null || highlight === before.highlight) return null;
    return highlightSentence(atlas, level, highlight);
  }

  /** Signs over the time line. */
  marks(state: State): TemplateResult {
    const jump = (event: RunEvent) => jumpTo(event, this.session, this.map);
    return html`${eventMarks(state, jump)} ${sideMark(state)}`;
  }

  /** Over the middle of the map. */
  top(state: State): TemplateResult {
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
