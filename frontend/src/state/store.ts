// SPDX-License-Identifier: Apache-2.0
/** The one store: a frozen state, replaced as a whole, that panels read and the session writes. */

import type { Camera } from '../domain/camera';
import { FIT, type Spread } from '../domain/camera';
import type { Selection } from '../domain/selection';
import type {
  CanvasTheme,
  CellPlace,
  Channel,
  ColourMode,
  CompareMode,
  Highlight,
  ShowMode,
} from '../domain/view';
import type { Failure } from '../wire/api';
import type { Atlas } from '../wire/atlas';
import type { History } from '../wire/history';
import type { RunEntry, SeriesEntry } from '../wire/manifest';
import type { Probe } from '../wire/probe';

export type Missing = Readonly<Partial<Record<'run' | 'layer' | 'step' | 'compare', string>>>;

export interface State {
  readonly phase: 'loading' | 'empty' | 'failed' | 'ready';
  /** What is shown comes with the plugin, not from the log. */
  readonly sample: boolean;
  /** Why there is nothing at all to show (phase `failed`). */
  readonly failure: Failure | null;
  readonly runs: readonly RunEntry[];
  readonly run: RunEntry | null;
  readonly series: SeriesEntry | null;
  /** What the address names that is not in this log, as it stands there. */
  readonly missing: Missing;
  /** The step asked for; `atlas` follows when it has arrived. */
  readonly step: number | null;
  readonly atlas: Atlas | null;
  readonly busy: boolean;
  /** How many pages of icons are here of those that the wanted grid needs, in words; nothing: all. */
  readonly arriving: string;
  /** Why the step asked for cannot be shown. */
  readonly stepFailure: Failure | null;
  /** Why icons of the level asked for are missing. */
  readonly sheetFailure: Failure | null;
  readonly history: History | null;
  /** Why it is not there. */
  readonly historyFailure: Failure | null;
  /** A part of the tab itself did not arrive. */
  readonly lost: boolean;
  readonly probe: Probe | null;
  readonly probeFailure: Failure | null;
  /** Steps that TensorBoard has found since the slider was drawn. */
  readonly freshSteps: number;
  readonly level: number | 'auto';
  /** Grid size on the map now. */
  readonly shownLevel: number | null;
  readonly camera: Camera;
  /** What the camera calls the whole map. */
  readonly spread: Spread;
  readonly colour: ColourMode;
  readonly show: ShowMode;
  /** However many there are. */
  readonly allPoints: boolean;
  readonly hover: CellPlace | null;
  readonly pinned: CellPlace | null;
  /** The step A that the shown step B is compared with. */
  readonly compare: number | null;
  readonly compareMode: CompareMode;
  /** While blinking: A is on screen, not B. */
  readonly flipped: boolean;
  /** While swiping: the share of the map's width that shows A. */
  readonly divider: number;
  /** What the panes beside the map show, as it stands in the address; nothing: there are none. */
  readonly panes: string;
  /** The atlas that moves are measured from: A, or the step before; it may still be of another step. */
  readonly other: Atlas | null;
  readonly otherFailure: Failure | null;
  readonly drift: Channel | '';
  /** Cells travel from step to step; otherwise they fade where they are. */
  readonly travel: boolean;
  readonly eventList: boolean;
  readonly highlight: Highlight | null;
  /** The image or concept that is lit, as it stands in the address: `image:17`. */
  readonly lit: string;
  /** What a drag, or the arrows, now do besides moving: select. */
  readonly tool: '' | 'lasso' | 'block';
  readonly selection: Selection | null;
  /** The list of what is selected, pinned and saved: open, and whether the focus goes there. */
  readonly kept: false | 'shown' | 'entered';
  /** Pinned cells as they stand in the address. */
  readonly pins: string;
  /** The class filter as it stands in the address: `top:3,7`, `toward:3`, or nothing. */
  readonly filter: string;
  /** `helps`, `hurts` or `both`; nothing is the first. */
  readonly sign: string;
  readonly filterOpen: boolean;
  readonly finding: boolean;
  /** The cells as a table in the place of the map. */
  readonly table: boolean;
  readonly exporting: boolean;
  /** The inspector says which cells of the layers above and below hold the same samples. */
  readonly across: boolean;
  /** What a panel last had to say to those who do not see it. */
  readonly said: string;
  /** What is told over the map for a moment. */
  readonly notice: string;
  /** The shortcut that is opened in its list, `all` for none of them, or nothing: no list. */
  readonly shortcut: string;
  readonly playing: boolean;
  readonly dark: boolean;
  /** The inks that the reader's system forces on the map, if it does. */
  readonly forced: CanvasTheme | null;
  readonly help: boolean;
  /** All that was asked for is on screen and nothing moves. */
  readonly settled: boolean;
  /** `lost`: the browser has taken the graphics away and not given them back. */
  readonly renderer: 'webgl' | 'canvas' | 'none' | 'lost';
}

const INITIAL: State = {
  phase: 'loading',
  sample: false,
  failure: null,
  runs: [],
  run: null,
  series: null,
  missing: {},
  step: null,
  atlas: null,
  busy: true,
  arriving: '',
  stepFailure: null,
  sheetFailure: null,
  history: null,
  historyFailure: null,
  lost: false,
  probe: null,
  probeFailure: null,
  freshSteps: 0,
  level: 'auto',
  shownLevel: null,
  camera: FIT,
  spread: { across: 1, down: 1 },
  colour: 'icons',
  show: 'icons',
  allPoints: false,
  hover: null,
  pinned: null,
  compare: null,
  compareMode: 'difference',
  flipped: false,
  divider: 0.5,
  panes: '',
  other: null,
  otherFailure: null,
  drift: '',
  travel: true,
  eventList: false,
  highlight: null,
  lit: '',
  tool: '',
  selection: null,
  kept: false,
  pins: '',
  filter: '',
  sign: '',
  filterOpen: false,
  finding: false,
  table: false,
  exporting: false,
  across: false,
  said: '',
  notice: '',
  shortcut: '',
  playing: false,
  dark: false,
  forced: null,
  help: false,
  settled: false,
  renderer: 'webgl',
};

export type Listener = (state: State, before: State) => void;

export class Store {
  #state = INITIAL;
  readonly #listeners = new Set<Listener>();

  get state(): State {
    return this.#state;
  }

  /** Replaces the named fields; listeners hear of it only when one of them really differs. */
  set(change: Partial<State>): void {
    const before = this.#state;
    const keys = Object.keys(change) as (keyof State)[];
    if (keys.every((key) => Object.is(before[key], change[key]))) return;
    this.#state = { ...before, ...change };
    for (const listener of this.#listeners) listener(this.#state, before);
  }

  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
