// SPDX-License-Identifier: Apache-2.0
/** Everything that may arrive after the first map, as one chunk. */

import { html, nothing, type TemplateResult } from 'lit';
import { className } from './atlas';
import { describeCell } from './cells';
import { Follower } from './follower';
import { plural, shorten } from './format';
import type { AtlasMap } from './map/atlas_map';
import { Equipment } from './map/equipment';
import { detailStyles } from './panels/detail_styles';
import { Details } from './panels/details';
import { evolutionTools } from './panels/evolution_tools';
import { mapButtons } from './panels/map_buttons';
import { minimap } from './panels/minimap';
import { timeline } from './panels/timeline';
import { timelineStyles } from './panels/timeline_styles';
import { Player } from './player';
import { referenceIsHere, wantedStep } from './reference';
import type { Session } from './session';
import { type State, samePlace } from './store';

/** Longest class name that is read out. */
const SPOKEN_NAME = 60;

type Evolution = import('./evolution').Evolution;

export class Later {
  static readonly styles = [timelineStyles, detailStyles];

  readonly #player: Player;
  readonly #details: Details;
  readonly #equipment: Equipment;
  #evolution: Evolution | null = null;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {
    this.#player = new Player(session);
    this.#details = new Details(session, map, update);
    this.#equipment = new Equipment(map, session, this.#player);
    map.equip(this.#equipment);
    new Follower(session);
    void this.#evolve();
  }

  /** Whether everything that `state` asks for is on screen. */
  complete(state: State): boolean {
    return this.#evolution !== null && (wantedStep(state) === null || referenceIsHere(state));
  }

  /** Panels over the map. */
  stage(state: State): TemplateResult {
    const drawn = state.phase === 'ready' && state.atlas !== null && state.stepFailure === null;
    return html`${drawn ? html`${mapButtons(this.map)} ${minimap(state, this.map)}` : nothing}
    ${drawn ? (this.#evolution?.top(state) ?? nothing) : nothing}
    ${this.#details.render(state, this.#evolution)}`;
  }

  /** At the left of the stage. */
  rail(state: State): TemplateResult | typeof nothing {
    return this.#evolution?.rail(state) ?? nothing;
  }

  /** Buttons for the bar at the head of the tab. */
  tools(state: State): TemplateResult {
    return evolutionTools(state, this.session);
  }

  /** Beside the name of the run. */
  layouts(state: State): TemplateResult | typeof nothing {
    return this.#evolution?.layouts(state) ?? nothing;
  }

  /** What a screen reader should hear of a change, or null. */
  sentence(state: State, before: State): string | null {
    const { hover, step, stepFailure, freshSteps } = state;
    if (stepFailure !== null && stepFailure !== before.stepFailure) {
      return `Step ${step} cannot be shown: ${stepFailure.message}`;
    }
    if (freshSteps > before.freshSteps) return plural(freshSteps, 'new checkpoint');
    const evolved = this.#evolution?.sentence(state, before) ?? null;
    if (evolved !== null) return evolved;
    if (samePlace(hover, before.hover) || !this.map.matches(':focus-visible')) return null;
    return cellSentence(state);
  }

  /** The foot of the tab. */
  timeline(state: State): TemplateResult {
    const marks = this.#evolution?.marks(state) ?? nothing;
    return timeline(state, this.session, this.#player, marks);
  }

  async #evolve(): Promise<void> {
    const { Evolution } = await import('./evolution');
    const evolution = new Evolution(this.session, this.map, this.update);
    this.#evolution = evolution;
    this.map.director = evolution.director;
    this.#equipment.layers = () => evolution.layers(this.session.store.state);
    const root = this.map.getRootNode();
    if (root instanceof ShadowRoot) {
      const sheets = Evolution.styles.flatMap(({ styleSheet }) => styleSheet ?? []);
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
    }
    this.map.invalidate();
    this.update();
  }
}

function cellSentence({ atlas, hover }: State): string | null {
  const level = atlas?.levels.find(({ size }) => size === hover?.size);
  const facts = atlas && level && hover && describeCell(atlas, level, hover.row, hover.col);
  if (!facts) return null;
  const top = facts.mix[0];
  const name = top ? shorten(className(atlas, top.index), SPOKEN_NAME) : '';
  const mix = top ? `, ${name} ${Math.round(100 * top.share)} percent` : '';
  return `row ${facts.row + 1}, column ${facts.col + 1}${mix}, ${plural(facts.count, 'sample')}`;
}
