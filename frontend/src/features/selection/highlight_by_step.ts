// SPDX-License-Identifier: Apache-2.0
/** Finds the cells of the highlighted samples at every step. */

import { html, nothing, type TemplateResult } from 'lit';
import { majority, placeOf } from '../../domain/cell_stats';
import type { CellPlace, Highlight } from '../../domain/display_types';
import { highlightedRows } from '../../domain/highlight';
import { countIn } from '../../domain/sample_rows';
import type { AtlasMap } from '../../map/atlas_map';
import { flyToCell } from '../../state/go_to_event';
import type { Session } from '../../state/session';
import { StepSeriesLoader, spread } from '../../state/step_values_loader';
import type { State } from '../../state/store';
import { count, plural, shorten } from '../../util/format';
import { Failure } from '../../wire/api';
import { type Atlas, className, type Level, levelOf } from '../../wire/atlas';
import { highlightTitle } from './highlight_pill';

/** Maximum number of steps. */
const STEPS = 24;
/** Maximum number of cells of each step. */
const CELLS = 3;
const NAME = 40;
const CLASS = 16;

interface Place extends CellPlace {
  readonly members: number;
  readonly top: string;
}

interface Places {
  readonly samples: number;
  /** Cells that hold some of them, fullest first; the first of them alone. */
  readonly list: readonly Place[];
  readonly cells: number;
  /** Number of samples in no visible cell. */
  readonly outside: number;
}

/** The cells of the highlighted samples in an atlas, on its grid of `size`. */
export function placesOf(atlas: Atlas, size: number, highlight: Highlight): Places {
  const rows = highlightedRows(atlas, highlight);
  const level = levelOf(atlas, size);
  const counts = level ? countIn(level, rows) : new Int32Array();
  const cells = [...counts.keys()].filter((cell) => (counts[cell] as number) > 0);
  const of = (cell: number) => counts[cell] as number;
  const inside = cells.reduce((sum, cell) => sum + of(cell), 0);
  return {
    samples: rows.length,
    cells: cells.length,
    outside: rows.length - inside,
    list: level
      ? cells
          .sort((a, b) => of(b) - of(a) || a - b)
          .slice(0, CELLS)
          .map((cell) => heldBy(atlas, level, cell, of(cell)))
      : [],
  };
}

function heldBy(atlas: Atlas, level: Level, cell: number, members: number): Place {
  const values = atlas.labels ?? atlas.predictions;
  const top = values && className(atlas, majority(level, values).index[cell] as number);
  return { ...placeOf(level, cell), members, top: top ?? '' };
}

export class HighlightHistory {
  readonly #reader: StepSeriesLoader<Places>;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    update: () => void,
  ) {
    this.#reader = new StepSeriesLoader(session, update);
  }

  render(state: State): TemplateResult | typeof nothing {
    const { highlight, series, step, shownLevel, playing, atlas: shown } = state;
    if (!highlight || !series || !shown || shownLevel === null) return nothing;
    const steps = spread(series.steps, STEPS, step === null ? [] : [step]);
    const { ids, of, atlas, event } = highlight;
    const known = this.#reader.read(
      JSON.stringify([ids, of, atlas, event?.text, shownLevel]),
      series,
      playing ? [] : steps,
      (other) => placesOf(other, shownLevel, highlight),
    );
    const all = series.steps.length;
    const some = steps.length < all ? `${count(steps.length)} of ${count(all)} steps` : '';
    return html`<section aria-label="Location at each step">
      <h3>
        ${shorten(highlightTitle(shown, highlight), NAME)}
        <span class="muted">${some || `on the ${shownLevel} × ${shownLevel} grid`}</span>
      </h3>
      <table class="course places">
        <thead>
          <tr>
            <th scope="col">Step</th>
            <th scope="col">Cells</th>
          </tr>
        </thead>
        <tbody>
          ${steps.map((one) => this.#row(one, known.get(one), one === step))}
        </tbody>
      </table>
    </section>`;
  }

  #row(step: number, places: Places | Failure | undefined, shown: boolean): TemplateResult {
    return html`<tr aria-current=${shown ? 'step' : nothing}>
      <th scope="row">
        <button type="button" class="step-link" @click=${() => this.session.chooseStep(step)}>
          ${count(step)}
        </button>
      </th>
      <td>${this.#cells(step, places)}</td>
    </tr>`;
  }

  #cells(step: number, places: Places | Failure | undefined): TemplateResult {
    const mute = (text: string) => html`<span class="muted">${text}</span>`;
    if (places === undefined) return mute('…');
    if (places instanceof Failure) return mute(shorten(places.message, 120));
    const { samples, list, cells, outside } = places;
    if (samples === 0) return mute('No samples');
    const rest = cells - list.length;
    return html`${list.map(
      ({ top, members, ...place }) => html`<button
        type="button"
        class="step-link"
        title=${plural(members, 'sample')}
        @click=${() => this.#go(step, place)}
      >
        row ${place.row + 1}, column ${place.col + 1}
        <span class="muted">${shorten(top, CLASS)}</span>
      </button>`,
    )}
    ${rest > 0 ? mute(`and ${plural(rest, 'cell')} more`) : nothing}
    ${outside > 0 ? mute(`${plural(outside, 'sample')} in no visible cell`) : nothing}`;
  }

  #go(step: number, place: CellPlace): void {
    this.session.store.set({ playing: false });
    this.session.chooseStep(step);
    flyToCell(place, this.session, this.map);
  }
}
