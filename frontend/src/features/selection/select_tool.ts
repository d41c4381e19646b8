// SPDX-License-Identifier: Apache-2.0
/**
 * Selects samples on the map: a rectangle by Shift and drag, a freehand outline by the lasso, a block of
 * cells by keys. It receives the map's events first and ignores all others.
 */

import { type Point, toWorld } from '../../domain/camera';
import { classMix } from '../../domain/cell_stats';
import type { CellPlace } from '../../domain/display_types';
import { cellBlock, rectangle, rowsInside, selectionOf, whyNotIn } from '../../domain/selection';
import type { AtlasMap } from '../../map/atlas_map';
import { middleCell } from '../../map/interaction';
import { ARROWS } from '../../map/keybindings';
import type { OverlayPainter } from '../../map/overlay';
import { drawOutline, drawSelection } from '../../map/overlays/selection';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { percent, plural, shorten } from '../../util/format';
import { className } from '../../wire/atlas';

/** A press that moves less than this in CSS pixels stays a click. */
const CLICK_SLACK = 4;
/** Corners of a lasso nearer to each other than this in CSS pixels are one. */
const LASSO_STEP = 4;
const MOST_CORNERS = 2000;
const SPOKEN_NAME = 60;

/** A press that may become an outline, in CSS pixels of the map. */
interface Press {
  readonly pointer: number;
  readonly start: Point;
  readonly lasso: boolean;
  last: Point;
  /** In map units; empty while it may still be a click. */
  outline: Point[];
}

/** A block of cells that keys grow. */
interface Block {
  readonly from: CellPlace;
  readonly to: CellPlace;
}

export class SelectTool {
  #press: Press | null = null;
  #block: Block | null = null;

  constructor(
    private readonly map: AtlasMap,
    private readonly session: Session,
  ) {
    const first = { capture: true };
    map.addEventListener('pointerdown', (event) => this.#down(event), first);
    map.addEventListener('pointermove', (event) => this.#move(event), first);
    map.addEventListener('pointerup', (event) => this.#up(event), first);
    map.addEventListener('pointercancel', () => this.#drop(), first);
    map.addEventListener('keydown', (event) => this.#key(event), first);
    session.store.subscribe(({ tool }, before) => {
      if (tool !== before.tool) this.#take(tool);
    });
  }

  /** Over all else that is drawn. */
  painters({ selection }: State): readonly OverlayPainter[] {
    const outline = this.#outline();
    const painters: OverlayPainter[] = [];
    if (selection !== null) {
      painters.push((context, frame) => {
        if (whyNotIn(frame.atlas, selection) === null) {
          drawSelection(context, frame, selection.rows);
        }
      });
    }
    if (outline.length > 1) painters.push((context, frame) => drawOutline(context, frame, outline));
    return painters;
  }

  #outline(): readonly Point[] {
    if (this.#press !== null && this.#press.outline.length > 0) return this.#press.outline;
    if (this.#block === null) return [];
    const { from, to } = this.#block;
    return cellBlock(from.size, from, to);
  }

  #take(tool: State['tool']): void {
    const { map, session } = this;
    map.classList.toggle('selecting', tool !== '');
    this.#block = null;
    if (tool === '') this.#drop();
    else map.focus();
    const level = map.scene?.level;
    if (tool === 'block' && level !== undefined) {
      const { hover, pinned, camera } = session.store.state;
      const cursor = [hover, pinned].find((place) => place?.size === level.size);
      const from = {
        size: level.size,
        ...(cursor ?? middleCell(level, camera) ?? { row: 0, col: 0 }),
      };
      this.#grow({ from, to: from });
    }
    map.invalidate();
  }

  #drop(): void {
    this.#press = null;
    this.map.invalidate();
  }

  #local(event: MouseEvent): Point {
    const box = this.map.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  #world(point: Point): Point {
    return toWorld(this.session.store.state.camera, this.map.viewport, point);
  }

  /** A press may turn out to be a click, or the first of two fingers, which the map handles. */
  #down(event: PointerEvent): void {
    const { tool } = this.session.store.state;
    const second = this.#press !== null;
    this.#drop();
    if (event.button !== 0 || second || (tool === '' && !event.shiftKey)) return;
    const start = this.#local(event);
    this.map.setPointerCapture(event.pointerId);
    const lasso = tool === 'lasso';
    this.#press = { pointer: event.pointerId, start, lasso, last: start, outline: [] };
  }

  #move(event: PointerEvent): void {
    const press = this.#press;
    if (press?.pointer !== event.pointerId) return;
    event.stopImmediatePropagation();
    const at = this.#local(event);
    const apart = Math.hypot(at.x - press.last.x, at.y - press.last.y);
    if (press.outline.length === 0) {
      if (apart < CLICK_SLACK) return;
      this.#block = null;
      this.session.store.set({ hover: null });
      press.outline = [this.#world(press.start)];
    }
    if (!press.lasso) press.outline = rectangle(this.#world(press.start), this.#world(at));
    else if (apart >= LASSO_STEP && press.outline.length < MOST_CORNERS) {
      press.outline.push(this.#world(at));
      press.last = at;
    }
    this.map.invalidate();
  }

  #up(event: PointerEvent): void {
    const press = this.#press;
    if (press?.pointer !== event.pointerId) return;
    this.#drop();
    if (press.outline.length === 0) return;
    event.stopImmediatePropagation();
    this.#ignoreClick();
    this.#select(press.outline, 'shown');
  }

  /** The end of a selection is not a click on a cell, although the browser reports one. */
  #ignoreClick(): void {
    const ignore = (event: Event) => event.stopImmediatePropagation();
    this.map.addEventListener('click', ignore, { capture: true, once: true });
    setTimeout(() => this.map.removeEventListener('click', ignore, { capture: true }));
  }

  #key(event: KeyboardEvent): void {
    const { tool } = this.session.store.state;
    if (tool === '' || event.ctrlKey || event.altKey || event.metaKey) return;
    const arrow = event.shiftKey ? undefined : ARROWS.get(event.key);
    const block = this.#block;
    if (event.key === 'Escape') this.session.store.set({ tool: '', said: 'Nothing selected' });
    else if (block && arrow) this.#moveCorner(block, arrow);
    else if (block && event.key === 'Enter') this.#select(this.#outline(), 'entered');
    else return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  #moveCorner({ from, to }: Block, [right, down]: readonly [number, number]): void {
    const { size } = to;
    const within = (at: number) => Math.min(size - 1, Math.max(0, at));
    const corner = { size, row: within(to.row + down), col: within(to.col + right) };
    this.#grow({ from, to: corner });
    const { map } = this;
    map.reveal(corner);
  }

  #grow(block: Block): void {
    this.#block = block;
    const { from, to } = block;
    const [rows, cols] = [Math.abs(to.row - from.row) + 1, Math.abs(to.col - from.col) + 1];
    const atlas = this.map.scene?.atlas;
    const inside = atlas ? rowsInside(atlas, this.#outline()).length : 0;
    const said = `${rows} by ${plural(cols, 'cell')}, ${plural(inside, 'sample')}`;
    this.session.store.set({ hover: null, said });
    this.map.invalidate();
  }

  #select(outline: readonly Point[], selectionList: State['selectionList']): void {
    const { store } = this.session;
    const atlas = this.map.scene?.atlas;
    const rows = atlas && rowsInside(atlas, outline);
    if (!atlas || !rows || rows.length === 0) {
      store.set({ tool: '', said: 'No samples in this area' });
      return;
    }
    const values = atlas.labels ?? atlas.predictions;
    const top = values && classMix(values, rows)[0];
    const most = top ? `, mostly ${shorten(className(atlas, top.index), SPOKEN_NAME)}` : '';
    store.set({
      tool: '',
      selection: selectionOf(atlas, rows),
      selectionList,
      said: `${plural(rows.length, 'sample')} selected, ${percent(rows.length / atlas.count)}${most}`,
    });
  }
}
