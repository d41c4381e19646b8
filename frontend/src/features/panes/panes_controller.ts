// SPDX-License-Identifier: Apache-2.0
/** Opens panes and links them by their samples. The first pane is the main map. */

import { html, nothing, type TemplateResult } from 'lit';
import type { AtlasMap } from '../../map/atlas_map';
import type { OverlayPainter } from '../../map/overlay';
import { REVEAL, type Reveal } from '../../map/reveal_cell_event';
import { type PaneSpec, readPanes, withoutPane, writePanes } from '../../state/pane_specs';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import { closeUp } from '../../state/zoom_to_cell';
import { INSPECTOR_ROOM } from '../../ui/card_placement';
import { plural } from '../../util/format';
import type { Feature, FeatureContext } from '../feature';
import { LinkedHighlight, type View } from './linked_highlight';
import { Pane, type PaneHost } from './pane';
import { type Slot, slotsOf } from './pane_slots';
import { firstPane, paneNote, paneView } from './pane_view';

/** State that defines the panes, and state that they share with the first pane. */
const CHOICE = ['panes', 'phase', 'runs', 'run', 'series', 'step'] as const;
const LOOK = [
  'dark',
  'forced',
  'color',
  'outlines',
  'show',
  'level',
  'motion',
  'camera',
  'extent',
  'shownLevel',
  'atlas',
] as const;
/** Room for the note about the panes, which needs two lines on a stage narrower than this. */
const NOTE = 24;
const NARROW = 900;
/** Below this width the panes do not make way for the inspector, too. */
const LEAST_STAGE = 480;

export class PanesController implements Feature, PaneHost {
  /** The open ones, and behind them those that were: their maps are taken again. */
  readonly #pool: Pane[] = [];
  #specs: readonly PaneSpec[] = [];
  #slots: readonly Slot[] = [];
  readonly #first: View;
  readonly #links = new LinkedHighlight(() => [this.#first, ...this.openPanes]);

  constructor(
    readonly main: Session,
    readonly map: AtlasMap,
    private readonly update: () => void,
    private readonly drawMarks: FeatureContext['paneMarks'],
  ) {
    this.#first = { session: main, map };
    main.store.subscribe((state, before) => this.#follow(state, before));
    map.addEventListener(REVEAL, (event) => this.#reveal(event as CustomEvent<Reveal>));
    if (map.parentElement) new ResizeObserver(() => this.#layOut()).observe(map.parentElement);
    this.#choose();
  }

  get openPanes(): readonly Pane[] {
    return this.#pool.slice(0, this.#specs.length);
  }

  ready(): boolean {
    // Behind the table no pane draws anything.
    return this.main.store.state.table || this.openPanes.every((pane) => pane.isComplete);
  }

  overlays(): readonly OverlayPainter[] {
    return this.#links.painters(this.#first);
  }

  overlaysOf(pane: Pane): readonly OverlayPainter[] {
    return this.#links.painters(pane);
  }

  marksOf({ state }: Pane): readonly OverlayPainter[] {
    return this.drawMarks(state);
  }

  choose(pane: Pane, change: Partial<PaneSpec>): void {
    const at = this.#pool.indexOf(pane);
    const specs = this.#specs.map((spec, i) => (i === at ? { ...spec, ...change } : spec));
    this.main.store.set({ panes: writePanes(specs) });
  }

  close(pane: Pane): void {
    const at = this.#pool.indexOf(pane);
    const root = this.map.getRootNode() as ShadowRoot;
    const held = root.activeElement?.closest('.pane') != null;
    // Its map goes behind the open ones, which keep theirs.
    this.#pool.push(...this.#pool.splice(at, 1));
    this.main.store.set({ panes: withoutPane(this.main.store.state, at) });
    if (held) this.map.focus();
  }

  /** Other recipes are no hindrance from now on. */
  linkAnyway(): void {
    this.#links.anyway = true;
    this.#redraw();
  }

  panes(state: State): TemplateResult | typeof nothing {
    if (this.#specs.length === 0 || state.phase !== 'ready' || state.table) return nothing;
    const links = this.#links;
    return html`${firstPane(this.#first, this.#slots[0], links)}
    ${this.openPanes.map((pane, i) =>
      paneView({ pane, number: i + 2, slot: this.#slots[i + 1], host: this, links }),
    )}
    ${paneNote()}`;
  }

  #follow(state: State, before: State): void {
    if (CHOICE.some((key) => state[key] !== before[key])) this.#choose();
    if (LOOK.some((key) => state[key] !== before[key])) {
      for (const pane of this.openPanes) pane.mirror();
    }
    if ((state.pinned === null) !== (before.pinned === null)) this.#layOut();
    if (this.#links.follow(this.#first, state, before)) this.#redraw();
  }

  /** Shows what the address names, and writes it there in full. */
  #choose(): void {
    const { store, latestRuns } = this.main;
    const { state } = store;
    if (state.phase !== 'ready' || state.series === null) return;
    const count = this.#specs.length;
    this.#specs = state.panes === '' ? [] : readPanes(state, latestRuns);
    while (this.#pool.length < this.#specs.length) this.#pool.push(this.#open());
    this.#pool.forEach((pane, i) => {
      const spec = this.#specs[i];
      if (spec) pane.show(spec);
      else pane.rest();
    });
    const panes = writePanes(this.#specs);
    const said = `${plural(this.#specs.length + 1, 'pane')} side by side`;
    store.set(this.#specs.length === count ? { panes } : { panes, said });
    this.#layOut();
  }

  /** Goes to a cell of another layer in the pane that shows it, if there is one. */
  #reveal(event: CustomEvent<Reveal>): void {
    const { series, step, place } = event.detail;
    const pane = this.openPanes.find(
      ({ state }) => state.series?.id === series && state.step === step,
    );
    if (!pane) return;
    event.preventDefault();
    pane.session.store.set({ pinned: place, hover: null });
    pane.map.flyTo(closeUp(pane.state, pane.map.viewport, place));
  }

  #open(): Pane {
    const pane = new Pane(this);
    pane.session.store.subscribe((state, before) => {
      if (this.#links.follow(pane, state, before)) this.#redraw();
      this.update();
    });
    return pane;
  }

  #redraw(): void {
    const said = this.#links.sentence();
    if (said !== null) this.main.store.set({ said });
    for (const { map } of [this.#first, ...this.openPanes]) map.invalidate();
    this.update();
  }

  /** The first map belongs to the app: elements over it get their position from the stage. */
  #layOut(): void {
    const stage = this.map.parentElement;
    if (stage === null || this.#specs.length === 0) return;
    const { clientWidth: whole, clientHeight } = stage;
    const beside = this.main.store.state.pinned !== null && whole - INSPECTOR_ROOM >= LEAST_STAGE;
    const width = beside ? whole - INSPECTOR_ROOM : whole;
    const note = width < NARROW ? 2 * NOTE : NOTE;
    this.#slots = slotsOf(this.#specs.length + 1, width, clientHeight - note);
    const [first] = this.#slots;
    stage.style.setProperty('--pane-width', `${first?.width}px`);
    stage.style.setProperty('--pane-height', `${first?.height}px`);
    stage.style.setProperty('--panes-width', `${width}px`);
    this.update();
  }
}
