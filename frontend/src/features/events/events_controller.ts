// SPDX-License-Identifier: Apache-2.0
/** Shows the list of events, and the film strip of a concept of the pinned cell. */

import type { nothing, TemplateResult } from 'lit';
import type { AtlasMap } from '../../map/atlas_map';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { CellContext } from '../../ui/cell_view';
import type { Feature } from '../feature';
import { EventList } from './event_list';
import { FilmStrip } from './film_strip';

export class EventsController implements Feature {
  readonly #list: EventList;
  readonly #film: FilmStrip;

  constructor(session: Session, map: AtlasMap, update: () => void) {
    this.#list = new EventList(session, map, update);
    this.#film = new FilmStrip(session, map, update);
  }

  rail(state: State): TemplateResult | typeof nothing {
    return this.#list.render(state);
  }

  inspectorSection(cell: CellContext): TemplateResult | typeof nothing {
    return this.#film.render(cell);
  }
}
