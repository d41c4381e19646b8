// SPDX-License-Identifier: Apache-2.0
/** Loads the next and the previous layer, and links their cells to the pinned cell. */

import { nothing, type TemplateResult } from 'lit';
import { centerOf, placeOf } from '../../domain/cell_stats';
import { findMerges, type LayerLevel, linksBetween } from '../../domain/comparison/layer_links';
import { shareProbe } from '../../domain/comparison/sample_matching';
import type { CellPlace } from '../../domain/display_types';
import { findStep, layerBeside } from '../../domain/series/series_lookup';
import type { AtlasMap } from '../../map/atlas_map';
import { requestCell } from '../../map/reveal_cell_event';
import type { Session } from '../../state/session';
import type { CellContext } from '../../ui/cell_view';
import { count, shorten } from '../../util/format';
import { type Activations, readActivations } from '../../wire/activations';
import { asFailure, fetchActivations } from '../../wire/api';
import { type Atlas, levelOf } from '../../wire/atlas';
import type { SeriesEntry } from '../../wire/manifest';
import type { Feature } from '../feature';
import { type CellRow, linkSection, mergeSection } from './layer_links_list';

/** Size of the cache: atlases on both sides and the activations of two layers, at two steps. */
const CACHED = 8;
const SHOWN_LAYER = 40;

/** A neighbor of the shown layer: its floor, or why it is not here. */
interface Beside {
  readonly series: SeriesEntry;
  readonly name: string;
  readonly floor: LayerLevel | string;
}

export class LayerLinksController implements Feature {
  /** Requested data: null while it loads, a message if it failed. */
  readonly #cache = new Map<string, Atlas | Activations | string | null>();

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {}

  inspectorSection(context: CellContext): readonly (TemplateResult | typeof nothing)[] {
    const { state, atlas, level } = context;
    const { run, series } = state;
    // Another step is on screen while two of them are compared by blinking.
    if (!state.across || run === null || series?.id !== atlas.series) return [];
    const own: LayerLevel = { atlas, level };
    const next = this.#beside(layerBeside(run, series, 1), own);
    const previous = this.#beside(layerBeside(run, series, -1), own);
    return [
      this.#links(context, next, 'feeds'),
      this.#links(context, previous, 'fed'),
      this.#merges(series, own, next),
    ];
  }

  #beside(series: SeriesEntry | null, { atlas, level }: LayerLevel): Beside | null {
    const step = series && findStep(series.steps, atlas.step);
    if (series === null || step === null) return null;
    const found = this.#fetch(`${series.id}/${step}`, () => this.session.loadAtlas(series, step));
    const at = step === atlas.step ? '' : `, step ${count(step)}`;
    const name = shorten(series.layer, SHOWN_LAYER) + at;
    return { series, name, floor: layerLevelOf(name, found, atlas, level.size) };
  }

  #links(
    { atlas, level, facts }: CellContext,
    beside: Beside | null,
    way: 'feeds' | 'fed',
  ): TemplateResult | typeof nothing {
    if (beside === null) return nothing;
    const { floor, name, series } = beside;
    const title = way === 'feeds' ? `Next layer: ${name}` : `Previous layer: ${name}`;
    if (typeof floor === 'string') return linkSection(title, floor, this.session);
    const own: LayerLevel = { atlas, level };
    const [from, to] =
      way === 'feeds' ? (['lower', 'upper'] as const) : (['upper', 'lower'] as const);
    const { links } = way === 'feeds' ? linksBetween(own, floor) : linksBetween(floor, own);
    const rows = links
      .filter((link) => link[from] === facts.cell)
      .map((link) => this.#row(series, floor, link[to], link[way]));
    return linkSection(title, rows, this.session);
  }

  #merges(
    series: SeriesEntry,
    own: LayerLevel,
    next: Beside | null,
  ): TemplateResult | typeof nothing {
    if (next === null || typeof next.floor === 'string') return nothing;
    const { floor, name } = next;
    const { atlas } = own;
    const activations = this.#fetch(`activations ${atlas.key}`, async () =>
      readActivations(atlas, await fetchActivations(atlas)),
    );
    const title = `Cells that merge in ${name}`;
    if (activations === null) return mergeSection(title, 'Loading …', floor, this.session);
    if (typeof activations === 'string') {
      return mergeSection(title, activations, floor, this.session);
    }
    const merges = findMerges(own, floor, activations).map((merge) => ({
      merge,
      whole: this.#row(next.series, floor, merge.cell, sumOf(merge.parts)),
      parts: merge.parts.map(({ cell, share }) => this.#row(series, own, cell, share)),
    }));
    return mergeSection(title, merges, floor, this.session);
  }

  #row(series: SeriesEntry, { atlas, level }: LayerLevel, cell: number, share: number): CellRow {
    const place = placeOf(level, cell);
    return { atlas, level, cell, share, place, go: () => this.#go(series, atlas, place) };
  }

  /** To a cell: in the pane that shows its layer, else on this map. */
  #go(series: SeriesEntry, { step }: Atlas, place: CellPlace): void {
    const { session, map } = this;
    const { state } = session.store;
    const here = state.series?.id === series.id;
    if (!here && requestCell(map, { series: series.id, step, place })) return;
    if (!here) session.chooseSeries(series.id);
    session.store.set({ pinned: place, hover: null });
    map.flyTo({ ...centerOf(place), z: state.camera.z });
  }

  #fetch<T extends Atlas | Activations>(key: string, fetch: () => Promise<T>): T | string | null {
    const known = this.#cache.get(key);
    if (known !== undefined) return known as T | string | null;
    this.#cache.set(key, null);
    for (const old of [...this.#cache.keys()].slice(0, -CACHED)) this.#cache.delete(old);
    fetch()
      .catch((error: unknown) => asFailure(error).message)
      .then((value) => {
        this.#cache.set(key, value);
        this.update();
      });
    return null;
  }
}

function sumOf(parts: readonly { readonly share: number }[]): number {
  return parts.reduce((sum, { share }) => sum + share, 0);
}

/** The level that is read against ours, or why there is none. */
function layerLevelOf(
  name: string,
  found: Atlas | string | null,
  own: Atlas,
  size: number,
): LayerLevel | string {
  if (found === null) return 'Loading …';
  if (typeof found === 'string') return found;
  if (!shareProbe(own, found)) {
    return 'It uses another probe, so samples cannot be linked.';
  }
  const level = levelOf(found, size);
  return level ? { atlas: found, level } : `${name} has no ${size} × ${size} grid.`;
}
