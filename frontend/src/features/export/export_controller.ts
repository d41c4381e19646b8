// SPDX-License-Identifier: Apache-2.0
/** Exports the map as an image, its cells as a file, and the view as a link. */

import { nothing, type TemplateResult } from 'lit';
import type { NearestSamples } from '../../domain/nearest_samples';
import type { AtlasMap } from '../../map/atlas_map';
import { changesOf } from '../../state/change_columns';
import { linkTo } from '../../state/deep_link';
import { atlasOnScreen } from '../../state/reference_step';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { copy } from '../../util/clipboard';
import { plainName, saveFile } from '../../util/download';
import { type Atlas, type Level, levelOf } from '../../wire/atlas';
import type { Feature } from '../feature';
import { cellsAsCsv } from './cells_csv';
import { exportMenu } from './export_menu';
import { type Scale, takeDrawing, takePicture } from './map_image';

export class ExportController implements Feature {
  #scale: Scale = 2;
  #outcome = '';
  /** The element that had the focus before. */
  #from: Element | null = null;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
    private readonly nearest: NearestSamples,
  ) {
    session.store.subscribe((state, before) => {
      if (state.exporting && !before.exporting) this.#open();
    });
    this.#open();
  }

  stage(state: State): TemplateResult | typeof nothing {
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, state.shownLevel);
    if (!state.exporting || !atlas || !level) return nothing;
    const undrawn = state.renderer === 'none' ? 'This browser cannot draw the map.' : null;
    return exportMenu({
      scale: this.#scale,
      noPicture: state.table ? 'The table is shown, not the map.' : undrawn,
      link: linkTo(state),
      outcome: this.#outcome,
      choose: (scale) => {
        this.#scale = scale;
        this.update();
      },
      savePicture: () => this.#savePicture(state, atlas, level),
      saveDrawing: () => this.#saveDrawing(state, atlas, level),
      saveCells: () => {
        const { columns } = changesOf(state, atlas, level, this.nearest);
        const text = cellsAsCsv(state.run?.run ?? '', atlas, level, columns);
        const empty = columns.flatMap(({ name, missing }) =>
          missing ? `${name}: ${missing}` : [],
        );
        const less = empty.length > 0 ? `, without ${empty.join(' ')}` : '';
        this.#save(new Blob([text], { type: 'text/csv' }), nameOf(atlas, level, 'csv'), less);
      },
      copyLink: async () => this.#report(await copy(linkTo(state), 'Link copied')),
      close: () => this.#close(),
    });
  }

  get #root(): ShadowRoot {
    return this.map.getRootNode() as ShadowRoot;
  }

  #open(): void {
    this.#from = this.#root.activeElement;
    this.#outcome = '';
  }

  #close(): void {
    this.session.store.set({ exporting: false });
    const from = this.#from;
    if (from instanceof HTMLElement && from.isConnected) from.focus();
    else this.map.focus();
  }

  #savePicture(state: State, atlas: Atlas, level: Level): void {
    const picture = this.#withLegends((legends, version) =>
      takePicture(this.map, legends, state, this.#scale, version),
    );
    if (picture === null) {
      this.#report('This browser cannot draw the picture.');
      return;
    }
    const { canvas, scale } = picture;
    const less = scale < this.#scale ? ` at ${scale}×, the maximum of this browser` : '';
    canvas.toBlob((blob) => {
      if (blob === null) this.#report('The picture is too large for this browser.');
      else this.#save(blob, nameOf(atlas, level, 'png'), less);
    });
  }

  #saveDrawing(state: State, atlas: Atlas, level: Level): void {
    const drawing = this.#withLegends((legends, version) =>
      takeDrawing(this.map, legends, state, this.#scale, version),
    );
    if (drawing === null) this.#report('This browser cannot draw the picture; try a smaller size.');
    else this.#save(drawing, nameOf(atlas, level, 'svg'));
  }

  /** Takes something of the legends while all of them are open. */
  #withLegends<Taken>(take: (legends: HTMLElement[], version: string) => Taken): Taken {
    const legends = [...this.#root.querySelectorAll<HTMLElement>('.legends > aside')];
    const folded = legends.flatMap((one) => [
      ...one.querySelectorAll<HTMLDetailsElement>('details:not(.changes):not([open])'),
    ]);
    const heads = legends.flatMap((one) => [...one.querySelectorAll('summary')]);
    for (const one of folded) one.open = true;
    for (const one of heads) one.style.listStyle = 'none';
    const { version = '' } = (this.#root.host as HTMLElement).dataset;
    const taken = take(legends, version);
    for (const one of folded) one.open = false;
    for (const one of heads) one.style.listStyle = '';
    return taken;
  }

  #save(blob: Blob, name: string, how = ''): void {
    this.#report(saveFile(blob, name, how));
  }

  #report(outcome: string): void {
    this.#outcome = outcome;
    this.session.store.set({ said: outcome });
    this.update();
  }
}

/** "atlas-layer3-step800-grid20.png", of letters that every file system takes. */
export function nameOf({ manifest, step }: Atlas, { size }: Level, ending: string): string {
  return `atlas-${plainName(manifest.layer)}-step${step}-grid${size}.${ending}`;
}
