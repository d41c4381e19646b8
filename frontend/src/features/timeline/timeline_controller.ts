// SPDX-License-Identifier: Apache-2.0
/** Shows the timeline in the footer of the tab, and the marks over it. */

import { html, type TemplateResult } from 'lit';
import type { AtlasMap } from '../../map/atlas_map';
import { jumpTo } from '../../state/go_to_event';
import type { Player } from '../../state/player';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { RunEvent } from '../../wire/series_history';
import type { Content, Feature } from '../feature';
import { eventMarks, sideMark } from './event_marks';
import { timeline } from './timeline';

export class TimelineController implements Feature {
  constructor(
    private readonly session: Session,
    private readonly player: Player,
    private readonly map: AtlasMap,
    private readonly renderMarks: (state: State) => Content,
  ) {}

  footer(state: State): TemplateResult {
    return timeline(state, this.session, this.player, this.renderMarks(state));
  }

  timelineMarks(state: State): TemplateResult {
    const jump = (event: RunEvent) => jumpTo(event, this.session, this.map);
    return html`${eventMarks(state, jump)} ${sideMark(state)}`;
  }
}
