// SPDX-License-Identifier: Apache-2.0
/** The list of pinned cells, each with its icon, its origin, and a button that shows it. */

import { html, type TemplateResult } from 'lit';
import { type CellFacts, describeCell } from '../../domain/cell_stats';
import { samePlace } from '../../domain/display_types';
import { iconPlace } from '../../domain/icon_sprites';
import { folderOf } from '../../domain/series/relayout_runs';
import type { AtlasMap } from '../../map/atlas_map';
import { flyToCell } from '../../state/go_to_event';
import { MOST_PINS, type Pin, readPins, samePin, writePins } from '../../state/pins';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { iconButton } from '../../ui/icons';
import { count, percent, shorten } from '../../util/format';
import { asFailure, Failure } from '../../wire/api';
import { type Atlas, className, type Level, levelOf } from '../../wire/atlas';
import type { RunEntry, SeriesEntry } from '../../wire/manifest';

const NAME = 40;

interface Origin {
  readonly run: RunEntry;
  readonly series: SeriesEntry;
}

export class PinList {
  /** By series and step; null while an atlas is on its way. */
  readonly #atlases = new Map<string, Atlas | Failure | null>();

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {}

  render(state: State): TemplateResult {
    const pins = readPins(state.pins);
    this.#forget(pins);
    return html`<section>
      <h3>Pins <span class="muted">${pins.length > 0 ? `${pins.length} of ${MOST_PINS}` : ''}</span></h3>
      ${
        pins.length === 0
          ? html`<p class="muted">Shift + click or Shift + Enter adds a cell. Pins are part of the link.</p>`
          : html`<ol class="event-items" aria-label="Pins">
              ${pins.map((pin, place) => this.#item(state, pins, pin, place))}
            </ol>`
      }
    </section>`;
  }

  /** Removes atlases of steps that are no longer pinned. */
  #forget(pins: readonly Pin[]): void {
    const keys = new Set(pins.map(keyOf));
    for (const key of this.#atlases.keys()) if (!keys.has(key)) this.#atlases.delete(key);
  }

  #item(state: State, pins: readonly Pin[], pin: Pin, place: number): TemplateResult {
    const { row, col, size, step } = pin;
    const origin = originOf(state, pin);
    const here =
      samePlace(pin, state.pinned) && pin.step === state.step && pin.series === state.series?.id;
    const where = `row ${row + 1}, column ${col + 1}`;
    const remove = () => {
      const rest = pins.filter((one) => !samePin(one, pin));
      this.session.store.set({ pins: writePins(rest), said: `${where} unpinned` });
    };
    return html`<li class="kept-item ${here ? 'chosen' : ''}">
      <button
        type="button"
        class="event pin"
        ?disabled=${origin === null}
        @click=${() => origin && this.#go(origin, pin)}
      >
        ${this.#look(origin, pin)}
        <span class="number">⚑ ${place + 1} · ${where}</span>
        <span class="muted">${size} × ${size} · ${from(state, origin, step)}</span>
      </button>
      ${iconButton({ icon: 'close', name: `Remove pin ${place + 1}`, press: remove })}
    </li>`;
  }

  /** Icon and top class. */
  #look(origin: Origin | null, pin: Pin): TemplateResult {
    const atlas = origin && this.#atlasOf(origin, pin);
    const missing = (text: string) =>
      html`<span class="pin-icon"></span><span class="name">${text}</span>`;
    if (origin === null) return missing('Not in this log');
    if (atlas === null) return missing('…');
    if (atlas instanceof Failure) return missing(shorten(atlas.message, 2 * NAME));
    const level = levelOf(atlas, pin.size);
    const facts = level && describeCell(atlas, level, pin.row, pin.col);
    if (!level || !facts) return missing('Too few samples to draw');
    const top = facts.mix[0];
    const name = top ? `${shorten(className(atlas, top.index), NAME)} ${percent(top.share)}` : '';
    return html`${this.#icon(atlas, level, facts)}
      <span class="name">${name || `${count(facts.count)} samples`}</span>`;
  }

  #icon(atlas: Atlas, level: Level, { cell }: CellFacts): TemplateResult {
    const at = iconPlace(level, cell);
    const picture = at && this.session.pages.icon(atlas, level, at.page);
    if (!at || !picture) return html`<span class="pin-icon"></span>`;
    const rect = { x: at.x, y: at.y, width: at.side, height: at.side };
    return html`<atlas-crop class="pin-icon" .crop=${{ picture, rect }}></atlas-crop>`;
  }

  #atlasOf({ series }: Origin, pin: Pin): Atlas | Failure | null {
    const key = keyOf(pin);
    const known = this.#atlases.get(key);
    if (known !== undefined) return known;
    this.#atlases.set(key, null);
    void this.session
      .loadAtlas(series, pin.step)
      .catch(asFailure)
      .then((atlas) => {
        if (this.#atlases.has(key)) this.#atlases.set(key, atlas);
        this.update();
      });
    return null;
  }

  #go({ run, series }: Origin, pin: Pin): void {
    const { session } = this;
    const { state } = session.store;
    const { size, row, col } = pin;
    session.store.set({ table: false, playing: false });
    if (run.id !== state.run?.id) session.chooseRun(run.id);
    if (series.id !== session.store.state.series?.id) session.chooseSeries(series.id);
    session.chooseStep(pin.step);
    flyToCell({ size, row, col }, session, this.map);
  }
}

function keyOf({ series, step }: Pin): string {
  return `${series}/${step}`;
}

/** The run and the layer of a pin, where TensorBoard still lists its step. */
function originOf({ runs }: State, { series: id, step }: Pin): Origin | null {
  for (const run of runs) {
    const series = run.series.find((one) => one.id === id);
    if (series?.steps.includes(step)) return { run, series };
  }
  return null;
}

function from({ run }: State, origin: Origin | null, step: number): string {
  const layer = origin ? `${shorten(origin.series.layer, NAME)} · ` : '';
  const other =
    origin && origin.run.id !== run?.id ? ` · ${shorten(folderOf(origin.run.run), NAME)}` : '';
  return `${layer}step ${count(step)}${other}`;
}
