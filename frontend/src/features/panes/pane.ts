// SPDX-License-Identifier: Apache-2.0
/** A map next to the first one, with its own session and a shared cache. */

import { shareLayout } from '../../domain/series/relayout_runs';
import { findStep, layerBeside } from '../../domain/series/series_lookup';
import { AtlasMap } from '../../map/atlas_map';
import { type Command, commandOf } from '../../map/keybindings';
import { MapDecorator } from '../../map/map_decorator';
import type { OverlayPainter } from '../../map/overlay';
import { TwoStepScenes } from '../../map/two_step_scenes';
import type { PaneSpec } from '../../state/pane_specs';
import { Player } from '../../state/player';
import { Session } from '../../state/session';
import { type State, Store } from '../../state/store';

/** Keys that act on the focused pane; all others act on the first map. */
const OWN = new Set<Command['do']>(['cursor', 'rowEnd', 'pan', 'zoom', 'fit', 'pin', 'escape']);

/** A pane has no URL: it is part of the URL of the first. */
const NO_ADDRESS = { read: () => ({}), watch: () => {}, write: () => {} };

export interface PaneHost {
  readonly main: Session;
  readonly map: AtlasMap;
  overlaysOf(pane: Pane): readonly OverlayPainter[];
  marksOf(pane: Pane): readonly OverlayPainter[];
  choose(pane: Pane, change: Partial<PaneSpec>): void;
  close(pane: Pane): void;
  linkAnyway(): void;
}

export class Pane {
  readonly session: Session;
  readonly map = new AtlasMap();
  spec: PaneSpec | null = null;

  constructor(private readonly host: PaneHost) {
    this.session = new Session(new Store(), NO_ADDRESS, host.main);
    const { map, session } = this;
    // Before the map's own hands, which are to see only what is theirs.
    map.addEventListener('keydown', (event) => this.#key(event));
    map.addEventListener('keyup', (event) =>
      host.map.dispatchEvent(new KeyboardEvent('keyup', event)),
    );
    map.tabIndex = 0;
    map.setAttribute('role', 'application');
    map.setAttribute('aria-roledescription', 'map');
    map.setAttribute('aria-describedby', 'map-hint');
    const decorator = new MapDecorator(map, session, new Player(session));
    decorator.overlays = () => host.overlaysOf(this);
    decorator.marks = () => host.marksOf(this);
    map.session = session;
    map.setDecorator(decorator);
    map.transition = new TwoStepScenes();
    session.store.subscribe((state, before) => {
      // Only now it is known whether places compare.
      if (state.atlas !== before.atlas) this.mirror();
      if (state.camera !== before.camera && this.isComparable) {
        host.main.store.set({ camera: state.camera });
      }
    });
  }

  get state(): State {
    return this.session.store.state;
  }

  /** Whether places mean the same here as on the first map, so that one camera does for both. */
  get isComparable(): boolean {
    const [first, own] = [this.host.main.store.state.atlas, this.state.atlas];
    return first !== null && own !== null && shareLayout(first, own);
  }

  /** Whether everything requested is on screen or has failed. */
  get isComplete(): boolean {
    return this.state.settled || this.state.stepFailure !== null;
  }

  show(spec: PaneSpec): void {
    const { main } = this.host;
    const { series } = this.state;
    const wanted = findStep(spec.series.steps, spec.step ?? main.store.state.step);
    this.spec = spec;
    this.session.latestRuns = main.latestRuns;
    this.session.store.set({ phase: 'ready', runs: main.store.state.runs });
    this.mirror();
    const same = series?.id === spec.series.id && series.steps.join() === spec.series.steps.join();
    if (!same) this.session.open(spec.run, spec.series, wanted);
    else {
      this.session.renew(spec.series);
      if (wanted !== null) this.session.chooseStep(wanted);
    }
    const name = `${spec.series.layer.slice(0, 200)} at step ${wanted}`;
    this.map.setAttribute('aria-label', `Activation atlas of ${name}`);
  }

  /** Takes over what is chosen for all panes. */
  mirror(): void {
    const { camera, extent, shownLevel, ...state } = this.host.main.store.state;
    const { dark, forced, color, outlines, show, level, motion } = state;
    const look = { dark, forced, color, outlines, show, level, motion };
    // A level that is on screen is given up late: by itself a pane that opens might choose another.
    const shared = { camera, extent, level: level === 'auto' ? (shownLevel ?? level) : level };
    this.session.store.set(this.isComparable ? { ...look, ...shared } : look);
  }

  rest(): void {
    this.spec = null;
    this.session.store.set({ hover: null, pinned: null });
  }

  #key(event: KeyboardEvent): void {
    const command = commandOf(event);
    if (command === null || OWN.has(command.do)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const { host, spec } = this;
    const series = spec && command.do === 'layer' && layerBeside(spec.run, spec.series, command.by);
    if (series) host.choose(this, { series });
    else if (command.do === 'closePane') host.close(this);
    else if (command.do === 'step' && spec?.step != null) this.#step(spec.series.steps, command.by);
    else if (command.do !== 'layer') host.map.dispatchEvent(new KeyboardEvent('keydown', event));
  }

  #step(steps: readonly number[], by: number): void {
    const step = steps[steps.indexOf(this.state.step ?? Number.NaN) + by];
    if (step !== undefined) this.host.choose(this, { step });
  }
}
