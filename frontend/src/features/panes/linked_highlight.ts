// SPDX-License-Identifier: Apache-2.0
/** Highlights cells in all panes that share samples with the cell under the cursor. */

import { formatCell } from '../../domain/cell_stats';
import {
  differences,
  findLinkedCells,
  type LinkedCells,
  type Source,
  shareProbe,
  sourceAt,
} from '../../domain/comparison/sample_matching';
import { samePlace } from '../../domain/display_types';
import type { AtlasMap } from '../../map/atlas_map';
import type { OverlayPainter } from '../../map/overlay';
import { drawShares } from '../../map/overlays/highlight';
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
  readonly linked: LinkedCells;
}

export class LinkedHighlight {
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

  /** The settings that prevent two atlases from being linked. */
  findDifferences(a: Atlas, b: Atlas): readonly string[] {
    return this.anyway && shareProbe(a, b) ? [] : differences(a, b);
  }

  /** The highlighted cells of a pane, null if there are none, or the settings that prevent them. */
  linkedCellsIn({ map }: View, source = this.source): LinkedCells | readonly string[] | null {
    const { scene } = map;
    if (scene === null || source === null || source.view.map === map) return null;
    const findDifferences = this.findDifferences(source.atlas, scene.atlas);
    if (findDifferences.length > 0) return findDifferences;
    const known = this.#known.get(map);
    if (known && known.level === scene.level && sameSource(known.source, source))
      return known.linked;
    const linked = findLinkedCells(source, scene.atlas, scene.level);
    this.#known.set(map, { source, level: scene.level, linked });
    return linked;
  }

  painters(view: View): readonly OverlayPainter[] {
    const linked = this.linkedCellsIn(view);
    if (linked === null || !('shares' in linked)) return [];
    const { rows, shares, best } = linked;
    const most = shares[best] ?? 1;
    const strength = shares.map((share) => share / most);
    return [
      (context, frame) => {
        // While the grid changes the next frame has the right one.
        if (frame.level.rows.length !== shares.length) return;
        drawShares(context, frame, rows, strength, (cell) => percent(shares[cell] as number));
      },
    ];
  }

  /** The announcement for screen readers after the keys moved to another cell. */
  sentence(): string | null {
    const { source } = this;
    if (!source?.view.map.matches(':focus-visible')) return null;
    const { atlas, hover } = source.view.session.store.state;
    const cell = formatCell(atlas, hover);
    if (cell === null) return null;
    const lit = this.views().map((view, i) => {
      const linked = this.linkedCellsIn(view, source);
      return linked === null ? '' : `; in pane ${i + 1} ${describeLinkedCells(linked, view)}`;
    });
    return cell + lit.join('');
  }
}

function sameSource(a: Source, b: Source): boolean {
  return a.level === b.level && a.cell === b.cell;
}

/** "highlighted in layer4: row 4, column 7 holds 31%", or why nothing is. */
export function describeLinkedCells(
  linked: LinkedCells | readonly string[],
  { map }: View,
): string {
  const { scene } = map;
  if (scene === null || !('shares' in linked)) return 'not linked: the settings differ';
  const { best, shares, cells } = linked;
  const layer = shorten(scene.atlas.manifest.layer, SHOWN_LAYER);
  const { rows, cols } = scene.level;
  if (best < 0) return `nothing is highlighted in ${layer}: no visible cell holds its samples`;
  const place = `row ${(rows[best] as number) + 1}, column ${(cols[best] as number) + 1}`;
  const more = cells > 1 ? `; ${cells} cells highlighted` : '';
  return `highlighted in ${layer}: ${place} holds ${percent(shares[best] as number)}${more}`;
}
