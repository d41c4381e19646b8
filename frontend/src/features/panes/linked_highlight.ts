// SPDX-License-Identifier: Apache-2.0
/** Which cell of which pane is asked about, and what that lights in the others. */

import { sayCell } from '../../domain/cell_stats';
import {
  differences,
  type Light,
  lightOf,
  type Source,
  shareProbe,
  sourceAt,
} from '../../domain/sample_matching';
import { samePlace } from '../../domain/view';
import type { AtlasMap } from '../../map/atlas_map';
import type { Layer } from '../../map/overlay';
import { drawLit } from '../../map/overlays/highlight';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { percent, shorten } from '../../util/format';
import type { Atlas, Level } from '../../wire/atlas';

const SHOWN_LAYER = 40;

/** One of the maps, the first included. */
export interface View {
  readonly session: Session;
  readonly map: AtlasMap;
}

export interface ViewSource extends Source {
  readonly view: View;
}

interface Known {
  readonly source: Source;
  readonly level: Level;
  readonly light: Light;
}

export class Lighting {
  /** Other recipes are no hindrance, as long as the samples are the same. */
  anyway = false;
  /** Where a cell was last pointed at or pinned. */
  #last: View | null = null;
  readonly #known = new WeakMap<AtlasMap, Known>();

  constructor(private readonly views: () => readonly View[]) {}

  /** Takes note of a change in `view`; returns whether it is about a cell. */
  follow(view: View, state: State, before: State): boolean {
    const still = samePlace(state.hover, before.hover) && samePlace(state.pinned, before.pinned);
    if (!still) this.#last = view;
    return !still;
  }

  /** The cell that is pointed at, or else pinned. */
  get source(): ViewSource | null {
    const views = this.views();
    const last = views.filter(({ map }) => map === this.#last?.map);
    for (const what of ['hover', 'pinned'] as const) {
      for (const view of [...last, ...views]) {
        const { state } = view.session.store;
        const source = sourceAt(state.atlas, state[what]);
        if (source !== null) return { view, ...source };
      }
    }
    return null;
  }

  /** What keeps two atlases from being linked. */
  refused(a: Atlas, b: Atlas): readonly string[] {
    return this.anyway && shareProbe(a, b) ? [] : differences(a, b);
  }

  /** What is lit in a pane: null for nothing, or the differences that keep it from being. */
  lightIn({ map }: View, source = this.source): Light | readonly string[] | null {
    const { scene } = map;
    if (scene === null || source === null || source.view.map === map) return null;
    const refused = this.refused(source.atlas, scene.atlas);
    if (refused.length > 0) return refused;
    const known = this.#known.get(map);
    if (known && known.level === scene.level && sameSource(known.source, source))
      return known.light;
    const light = lightOf(source, scene.atlas, scene.level);
    this.#known.set(map, { source, level: scene.level, light });
    return light;
  }

  layers(view: View): readonly Layer[] {
    const light = this.lightIn(view);
    if (light === null || !('shares' in light)) return [];
    const { rows, shares, best } = light;
    const most = shares[best] ?? 1;
    const strength = shares.map((share) => share / most);
    return [
      (context, frame) => {
        // While the grid changes the next frame has the right one.
        if (frame.level.rows.length !== shares.length) return;
        drawLit(context, frame, rows, strength, (cell) => percent(shares[cell] as number));
      },
    ];
  }

  /** What a screen reader should hear when the keys have moved to another cell. */
  sentence(): string | null {
    const { source } = this;
    if (!source?.view.map.matches(':focus-visible')) return null;
    const { atlas, hover } = source.view.session.store.state;
    const cell = sayCell(atlas, hover);
    if (cell === null) return null;
    const lit = this.views().map((view, i) => {
      const light = this.lightIn(view, source);
      return light === null ? '' : `; in pane ${i + 1} ${lightWords(light, view)}`;
    });
    return cell + lit.join('');
  }
}

function sameSource(a: Source, b: Source): boolean {
  return a.level === b.level && a.cell === b.cell;
}

/** "lit in layer4: row 4, column 7 holds 31%", or why nothing is. */
export function lightWords(light: Light | readonly string[], { map }: View): string {
  const { scene } = map;
  if (scene === null || !('shares' in light)) return 'not linked: the recipes differ';
  const { best, shares, cells } = light;
  const layer = shorten(scene.atlas.manifest.layer, SHOWN_LAYER);
  const { rows, cols } = scene.level;
  if (best < 0) return `nothing is lit in ${layer}: no drawn cell holds its samples`;
  const place = `row ${(rows[best] as number) + 1}, column ${(cols[best] as number) + 1}`;
  const more = cells > 1 ? `; ${cells} cells lit` : '';
  return `lit in ${layer}: ${place} holds ${percent(shares[best] as number)}${more}`;
}
