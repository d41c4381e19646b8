// SPDX-License-Identifier: Apache-2.0
/** Everything that may arrive after the first map, as one chunk. */

import { html, nothing, type TemplateResult } from 'lit';
import { sayCell } from '../domain/cell_stats';
import { samePlace } from '../domain/view';
import { Evolution } from '../features/events/evolution_controller';
import { SelectTool } from '../features/selection/select_tool';
import { timeline } from '../features/timeline/timeline';
import type { AtlasMap } from '../map/atlas_map';
import { mapButtons } from '../map/map_buttons';
import { MapDecorator } from '../map/map_decorator';
import { followLit } from '../state/highlight_link';
import { Follower } from '../state/live_updates';
import { Player } from '../state/player';
import { referenceIsHere, wantedStep } from '../state/reference_step';
import type { Session } from '../state/session';
import { searchedOf } from '../state/shortcut_series';
import type { State } from '../state/store';
import type { CellContext } from '../ui/cell_view';
import { missingLine } from '../ui/empty_states';
import { addStyles } from '../ui/styles';
import { plural } from '../util/format';
import type { Atlas, Level } from '../wire/atlas';
import { evolutionTools, filterTool } from './evolution_tools';
import { Extras } from './feature_registry';
import styles from './later.css?inline';
import { layoutSwitch } from './layout_switch';
import { minimap } from './minimap';
import { Details } from './stage_panels';

export { styles };

type Asked = import('./feature_slots').Asked;

/** The lists at the left of the stage, of which one at a time is open. */
const CLOSED = {
  filterOpen: false,
  eventList: false,
  shortcut: '',
  kept: false,
} satisfies Partial<State>;
const LISTS = Object.keys(CLOSED) as (keyof typeof CLOSED)[];

const UNASKED = { filter: '', drift: '', compare: null } satisfies Partial<State>;

export class Later {
  readonly #player: Player;
  readonly #details: Details;
  readonly #decorator: MapDecorator;
  readonly #extras: Extras;
  #evolution: Evolution | null = null;
  #asked: Asked | null = null;
  #asking = false;
  /** Whether the link asks already. */
  readonly #linked: boolean;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {
    this.#player = new Player(session);
    this.#details = new Details(session, map, update);
    this.#decorator = new MapDecorator(map, session, this.#player);
    map.setDecorator(this.#decorator);
    // The overview is left out while the map has no size, as in a tab that is hidden.
    map.addEventListener('shown', update);
    const select = new SelectTool(map, session);
    this.#decorator.marks = () => select.layers(session.store.state);
    this.#extras = new Extras(session, map, update, {
      evidence: this.#details.evidence,
      prepare: () => this.#dress(),
      arrived: () => this.#arrived(),
    });
    new Follower(session);
    followLit(session.store);
    void this.#evolve();
    this.#linked = asks(session.store.state);
    session.store.subscribe((state, before) => this.#follow(state, before));
    this.#follow(session.store.state, session.store.state);
  }

  /** Whether everything that `state` asks for is on screen. */
  complete(state: State): boolean {
    const told = state.drift !== 'activation' || this.#details.evidence.idle;
    const here = (wantedStep(state) === null || referenceIsHere(state)) && told;
    const answered = this.#asked?.complete(state) ?? !asks(state);
    return this.#evolution !== null && answered && here && this.#extras.complete(state);
  }

  /** Panels over the map. */
  stage(state: State): TemplateResult {
    const drawn = state.phase === 'ready' && state.atlas !== null && state.stepFailure === null;
    const mapped = drawn && !state.table;
    return html`${mapped ? html`${mapButtons(this.map)} ${minimap(state, this.map)}` : nothing}
    ${mapped ? html`${this.#asked?.top(state)} ${this.#evolution?.top(state)}` : nothing}
    ${this.#details.render(state, this)} ${this.#extras.stage(state, drawn)}
    ${this.#asked?.help(state)}`;
  }

  /** Above the legend. */
  legends(state: State, atlas: Atlas, level: Level): TemplateResult | typeof nothing {
    return this.#asked?.legends(state, atlas, level) ?? nothing;
  }

  /** A section of the inspector. */
  voices(context: CellContext): TemplateResult | typeof nothing {
    return html`${this.#asked?.voices(context)} ${this.#extras.section(context)}`;
  }

  /** A line of it, and of the card. */
  moves(context: CellContext): TemplateResult | typeof nothing {
    return this.#asked?.moves(context) ?? nothing;
  }

  /** Below its lifelines. */
  film(context: CellContext): TemplateResult | typeof nothing {
    return this.#asked?.film(context) ?? nothing;
  }

  /** At the left of the stage. */
  rail(state: State): TemplateResult | typeof nothing {
    return state.kept ? this.#extras.rail(state) : (this.#asked?.rail(state) ?? nothing);
  }

  /** Buttons for the bar at the head of the tab. */
  tools(state: State): TemplateResult {
    return html`${this.#extras.tools(state)} ${this.#asked?.tool(state)}
    ${filterTool(state, this.session)} ${evolutionTools(state, this.session)}`;
  }

  /** Below them. */
  strip(state: State): TemplateResult | typeof nothing {
    return this.#asked?.strip(state) ?? nothing;
  }

  /** Beside the name of the run. */
  layouts(state: State): TemplateResult | typeof nothing {
    return layoutSwitch(state, this.session);
  }

  /** What a screen reader should hear of a change, or null. */
  sentence(state: State, before: State): string | null {
    const { hover, step, stepFailure, freshSteps } = state;
    if (stepFailure !== null && stepFailure !== before.stepFailure) {
      return `Step ${step} cannot be shown: ${stepFailure.message}`;
    }
    if (state.said !== before.said) return state.said;
    const missing = state.missing === before.missing ? '' : missingLine(state);
    if (missing) return missing;
    if (freshSteps > before.freshSteps) return plural(freshSteps, 'new checkpoint');
    for (const part of [this.#asked, this.#evolution]) {
      const sentence = part?.sentence(state, before) ?? null;
      if (sentence !== null) return sentence;
    }
    if (samePlace(hover, before.hover) || !this.map.matches(':focus-visible')) return null;
    return sayCell(state.atlas, hover);
  }

  /** The foot of the tab. */
  timeline(state: State): TemplateResult {
    const marks = this.#evolution?.marks(state) ?? nothing;
    return timeline(state, this.session, this.#player, marks);
  }

  async #evolve(): Promise<void> {
    // Not before whoever made us can be told of it.
    await Promise.resolve();
    const evolution = new Evolution(this.session, this.map);
    this.#evolution = evolution;
    this.map.director = evolution.director;
    this.#arrived();
  }

  /** What opens closes the other lists; the chunk of most of them comes when one is first needed. */
  #follow(state: State, before: State): void {
    const { store } = this.session;
    const open = LISTS.filter((list) => state[list] !== CLOSED[list]);
    const last = open.find((list) => before[list] === CLOSED[list]) ?? open[0];
    if (open.length > 1 && last) store.set({ ...CLOSED, [last]: state[last] });
    // What did not arrive is asked for again with another step, or by hand.
    if (this.#asking || (state.lost && !asksAnew(state, before))) return;
    if (!asks(state) && state.pinned === null) return;
    this.#asking = true;
    void this.#ask();
  }

  async #ask(): Promise<void> {
    const [chunk] = await Promise.all([import('./feature_slots'), this.#dress()]).catch(() => [
      null,
    ]);
    if (chunk === null) {
      this.#asking = false;
      // The sheet of keys would come up over something else later.
      this.session.store.set({ help: false, lost: true, said: 'TensorBoard does not answer.' });
      return;
    }
    const { session, map, update } = this;
    const asked = new chunk.Asked(session, map, update, this.#details.evidence);
    this.#asked = asked;
    session.store.set({ lost: false });
    this.#arrived();
    // It was asked before there were words for the answer.
    const { state } = session.store;
    const answer = asked.sentence(state, { ...state, ...UNASKED });
    if (answer === null) return;
    // The line about what a link names in vain must not drown in it.
    const missing = this.#linked ? missingLine(state) : '';
    session.store.set({ said: `${missing} ${answer}`.trim() });
  }

  /** Brings what parts that are opened by hand look like. */
  async #dress(): Promise<void> {
    const root = this.map.getRootNode();
    const { default: rules } = await import('./feature_styles');
    if (root instanceof ShadowRoot) addStyles(root, rules);
  }

  #arrived(): void {
    this.#decorator.layers = () => {
      const { state } = this.session.store;
      const lit = this.#evolution?.layers(state) ?? [];
      const asked = this.#asked?.layers(state, lit) ?? lit;
      return [...asked, ...this.#extras.layers(state)];
    };
    this.map.invalidate();
    this.update();
  }
}

/** What on screen is an answer about classes or steps, or leads to one. */
function questions(state: State): readonly boolean[] {
  const { filter, filterOpen, shortcut, drift, compare, eventList, help } = state;
  const named = [filter, shortcut, drift].map((one) => one !== '');
  return [...named, filterOpen, compare !== null, eventList, help, searchedOf(state) !== null];
}

function asks(state: State): boolean {
  return questions(state).includes(true);
}

function asksAnew(state: State, before: State): boolean {
  const asked = questions(before);
  return questions(state).some((one, at) => one && !asked[at]);
}
