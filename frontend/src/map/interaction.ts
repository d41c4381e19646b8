// SPDX-License-Identifier: Apache-2.0
/** Pointer and keyboard interaction with the map. */

import { type Camera, FIT, type Point, panBy, toWorld, zoomAt } from '../domain/camera';
import { nextCell, rowEnd } from '../domain/cell_stats';
import { classAtlasOf, NOT_FOLLOWED } from '../domain/class_atlas';
import { readFilter, SIGNS, writeFilter } from '../domain/class_filter';
import { type CellPlace, SHOW_MODES, type ShowMode, samePlace } from '../domain/display_types';
import { wants } from '../host/settings';
import { chooseA, showA, swapSides, toggleCompare } from '../state/comparison_actions';
import { linkTo } from '../state/deep_link';
import { showLayer } from '../state/layer_navigation';
import { notify } from '../state/notify';
import { toggleOutlines } from '../state/outlines';
import { addPane, closePane } from '../state/pane_specs';
import { keepPin, toggleSimilar } from '../state/pins';
import type { Player } from '../state/player';
import type { Session } from '../state/session';
import { toggleShortcuts } from '../state/shortcut_series';
import type { State } from '../state/store';
import { copy } from '../util/clipboard';
import { cellAt, type Level } from '../wire/atlas';
import type { AtlasMap } from './atlas_map';
import { type Command, commandOf } from './keybindings';
import { drawOverlay, type OverlayPainter } from './overlay';
import { ZoomGestures } from './pointer_gestures';
import { themeOf } from './theme';

/** The pointer must rest this long on a cell before its card appears. */
const HOVER_MS = 60;
const PAN_PIXELS = 80;
const DOUBLE_CLICK_FACTOR = 2;
const SHOWN: Readonly<Record<ShowMode, string>> = {
  icons: 'Icons',
  points: 'Points',
  both: 'Icons and points',
};

export class Interaction {
  #dragging = false;
  #pointer: Point | null = null;
  /** Pins before the last click, to restore them if it begins a double click. */
  #pinnedBefore: Pick<State, 'pinned' | 'pins'> = { pinned: null, pins: '' };
  #seenBefore: Camera = FIT;
  #hoverTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly map: AtlasMap,
    private readonly session: Session,
    private readonly player: Player,
  ) {
    new ZoomGestures(map, {
      get camera() {
        return session.store.state.camera;
      },
      get viewport() {
        return map.viewport;
      },
      move: (camera) => this.#move(camera),
      click: (at, more) => this.#click(at, more),
      doubleClick: (at, reverse) => {
        session.store.set(this.#pinnedBefore);
        const factor = reverse ? 1 / DOUBLE_CLICK_FACTOR : DOUBLE_CLICK_FACTOR;
        map.flyTo(zoomAt(this.#seenBefore, map.viewport, at, factor));
      },
      hover: (at) => this.#point(at),
      drag: (active) => this.#drag(active),
      scroll: () => {
        const scrolls = wants('page-scroll-first');
        if (scrolls) notify(session.store, 'Ctrl + wheel zooms');
        return scrolls;
      },
      selects: (event) => event.shiftKey || session.store.state.tool !== '',
    });
    map.addEventListener('keydown', (event) => {
      const command = commandOf(event);
      if (command === null) return;
      event.preventDefault();
      this.#execute(command);
    });
    // A press ends the hover.
    map.addEventListener('pointerdown', () => clearTimeout(this.#hoverTimer));
    // A stays while its key is held.
    map.addEventListener('keyup', ({ key }) => {
      if (key === 'b') showA(session, false);
    });
  }

  /** Draws outlines and labels over the scene that the map has just drawn; returns whether there are any. */
  decorate(
    context: CanvasRenderingContext2D,
    ratio: number,
    painters: readonly OverlayPainter[],
    labeled: boolean,
  ): boolean {
    const { scene, viewport } = this.map;
    if (scene === null) return false;
    const { state } = this.session.store;
    const { camera, hover, pinned, color } = state;
    const { labels, predictions } = scene.atlas;
    const values = color === 'prediction' ? predictions : (labels ?? predictions);
    return drawOverlay(context, {
      camera,
      viewport,
      ratio,
      atlas: scene.atlas,
      level: scene.level,
      values: scene.tiles && labeled ? values : null,
      hover,
      pinned,
      theme: themeOf(state),
      painters,
    });
  }

  get #camera(): Camera {
    return this.session.store.state.camera;
  }

  /** Moves at once, and looks again at what is now under the pointer. */
  #move(camera: Camera): void {
    this.map.moveTo(camera);
    if (!this.#dragging && this.#pointer !== null) this.#point(this.#pointer);
  }

  #drag(active: boolean): void {
    this.#dragging = active;
    this.map.classList.toggle('dragging', active);
    if (active) this.#hover(null);
  }

  #click(at: Point, more: boolean): void {
    const { store } = this.session;
    const place = this.#cellUnder(at);
    const { pinned, pins } = store.state;
    this.#pinnedBefore = { pinned, pins };
    this.#seenBefore = this.map.goal;
    if (place === null) return;
    if (more) keepPin(this.session, place);
    else store.set({ pinned: place, hover: null });
  }

  #point(at: Point | null): void {
    this.#pointer = at;
    if (!this.#dragging) this.#hover(at && this.#cellUnder(at));
  }

  #hover(place: CellPlace | null): void {
    clearTimeout(this.#hoverTimer);
    const { store } = this.session;
    if (samePlace(place, store.state.hover)) return;
    this.#hoverTimer = setTimeout(() => store.set({ hover: place }), HOVER_MS);
  }

  #cellUnder(screen: Point): CellPlace | null {
    const { scene, viewport } = this.map;
    if (scene === null) return null;
    const world = toWorld(this.#camera, viewport, screen);
    const { size } = scene.level;
    const row = Math.floor(world.y * size);
    const col = Math.floor(world.x * size);
    return cellAt(scene.level, row, col) < 0 ? null : { size, row, col };
  }

  #execute(command: Command): void {
    const { map, session } = this;
    const { store } = session;
    switch (command.do) {
      case 'cursor':
        this.#moveCursor(command);
        break;
      case 'rowEnd':
        this.#goToRowEnd(command.side);
        break;
      case 'pan':
        map.flyTo(panBy(map.goal, map.viewport, PAN_PIXELS * command.dx, PAN_PIXELS * command.dy));
        break;
      case 'zoom':
        map.zoomBy(command.factor);
        break;
      case 'fit':
        map.fit();
        break;
      case 'level':
        this.#holdLevel(command.index);
        break;
      case 'step':
        this.player.stepBy(command.by);
        break;
      case 'layer':
        showLayer(session, command.by);
        break;
      case 'play':
        this.player.toggle();
        break;
      case 'pin':
        if (store.state.hover) store.set({ pinned: store.state.hover, hover: null });
        break;
      case 'escape':
        this.#escape();
        break;
      case 'help':
        store.set({ help: true });
        break;
      default:
        this.#evolve(command.do);
    }
  }

  /** Commands about more than one step. */
  #evolve(what: Command['do']): void {
    const { session } = this;
    const {
      eventList,
      stream,
      drift,
      motion,
      step,
      filterOpen,
      table,
      atlas,
      tool,
      selectionList,
      hover,
      pinned,
    } = session.store.state;
    switch (what) {
      case 'events':
        session.store.set({ eventList: !eventList });
        break;
      case 'stream':
        session.store.set({ stream: stream ? '' : 'concepts' });
        break;
      case 'filter':
        session.store.set({ filterOpen: !filterOpen });
        break;
      case 'sign':
        this.#turnSign();
        break;
      case 'shortcuts':
        toggleShortcuts(session);
        break;
      case 'table':
        session.store.set({ table: !table });
        break;
      case 'show':
        this.#showNext();
        break;
      case 'outlines':
        toggleOutlines(session.store);
        break;
      case 'similar':
        toggleSimilar(session.store);
        break;
      case 'link':
        void this.#copyLink();
        break;
      case 'lasso':
      case 'block':
        session.store.set({ tool: tool === what ? '' : what });
        break;
      case 'selectionList':
        session.store.set({ selectionList: selectionList ? false : 'entered' });
        break;
      case 'keep':
        keepPin(session, hover ?? pinned);
        break;
      case 'export':
        session.store.set({ exporting: true });
        break;
      case 'find':
        session.store.set({ finding: true });
        break;
      case 'drift':
        session.store.set({ drift: drift ? '' : 'on' });
        break;
      case 'motion':
        if (atlas && classAtlasOf(atlas)) session.store.set({ said: NOT_FOLLOWED });
        else session.store.set({ motion: !motion });
        break;
      case 'compare':
        toggleCompare(session);
        break;
      case 'swap':
        swapSides(session);
        break;
      case 'mark':
        chooseA(session, step);
        break;
      case 'flip':
        showA(session, true);
        break;
      case 'addPane':
        addPane(session);
        break;
      case 'closePane':
        closePane(session);
        break;
    }
  }

  /** The pinned cell goes first; a second press ends the highlight. */
  #escape(): void {
    const { hover, pinned } = this.session.store.state;
    const resting = hover === null && pinned === null;
    const gone = resting ? { highlight: null } : { hover: null, pinned: null };
    // The keys may still be on their way.
    this.session.store.set({ ...gone, help: false });
  }

  /** Where the keyboard's cursor is, or the pinned cell. */
  #from({ size }: Level): CellPlace | undefined {
    const { hover, pinned } = this.session.store.state;
    return [hover, pinned].find((place) => place?.size === size) ?? undefined;
  }

  #moveCursor({ dx, dy, cells }: Extract<Command, { do: 'cursor' }>): void {
    const level = this.map.scene?.level;
    if (level === undefined) return;
    const from = this.#from(level);
    let to = from ? null : middleCell(level, this.#camera);
    for (let i = 0; from && i < cells; i++) {
      const { row, col } = to ?? from;
      to = nextCell(level, row, col, dx, dy) ?? to;
    }
    if (to !== null) this.#setCursor(level, to.row, to.col);
  }

  #goToRowEnd(side: -1 | 1): void {
    const level = this.map.scene?.level;
    if (level === undefined) return;
    const from = this.#from(level) ?? middleCell(level, this.#camera);
    const col = from && rowEnd(level, from.row, side);
    if (from && col !== null) this.#setCursor(level, from.row, col);
  }

  #setCursor({ size }: Level, row: number, col: number): void {
    clearTimeout(this.#hoverTimer);
    this.session.store.set({ hover: { size, row, col } });
    this.map.reveal({ size, row, col });
  }

  async #copyLink(): Promise<void> {
    const { store } = this.session;
    notify(store, await copy(linkTo(store.state), 'Link copied'));
  }

  /** Icons, points, both, and icons again. */
  #showNext(): void {
    const { store } = this.session;
    const show = SHOW_MODES[(SHOW_MODES.indexOf(store.state.show) + 1) % SHOW_MODES.length];
    if (show === undefined) return;
    store.set({ show });
    notify(store, SHOWN[show]);
  }

  /** Cycles through the signs: helps, hurts, both. */
  #turnSign(): void {
    const { store } = this.session;
    const filter = readFilter(store.state);
    const sign = SIGNS[(SIGNS.indexOf(filter.sign) + 1) % SIGNS.length] ?? 'helps';
    if (filter.kind === 'toward') store.set(writeFilter({ ...filter, sign }));
    else notify(store, 'Only attribution toward a class has a sign: press f.');
  }

  /** Holds a grid, or lets it follow the zoom again when it was held already. */
  #holdLevel(index: number): void {
    const { atlas, level } = this.session.store.state;
    const size = atlas?.levels[index]?.size;
    if (size !== undefined) this.session.store.set({ level: level === size ? 'auto' : size });
  }
}

/** The drawn cell nearest to the middle of the view, where the keyboard's cursor begins. */
export function middleCell(level: Level, { x, y }: Camera): { row: number; col: number } | null {
  let best: { row: number; col: number } | null = null;
  let nearest = Infinity;
  level.rows.forEach((row, cell) => {
    const col = level.cols[cell] as number;
    const away = Math.hypot((col + 0.5) / level.size - x, (row + 0.5) / level.size - y);
    if (away >= nearest) return;
    nearest = away;
    best = { row, col };
  });
  return best;
}
