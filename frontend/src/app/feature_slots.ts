// SPDX-License-Identifier: Apache-2.0
/** Fills the page around the map with the features; loaded after the first map. */

import { html, nothing, type TemplateResult } from 'lit';
import { formatCell } from '../domain/cell_stats';
import { samePlace } from '../domain/display_types';
import { NearestSamples } from '../domain/nearest_samples';
import type { Content } from '../features/feature';
import type { AtlasMap } from '../map/atlas_map';
import { mapButtons } from '../map/map_buttons';
import { MapDecorator } from '../map/map_decorator';
import { TwoStepScenes } from '../map/two_step_scenes';
import { BackgroundLoader } from '../state/background_loader';
import { keepOneListOpen } from '../state/exclusive_lists';
import { syncHighlight } from '../state/highlight_url';
import { Player } from '../state/player';
import { atlasOnScreen, isReferenceSettled, Reference, wantedStep } from '../state/reference_step';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import { addOverrides, addStyles } from '../ui/adopted_styles';
import { banners, emptyState, failedState, missingLine, stepState } from '../ui/empty_states';
import { plural } from '../util/format';
import { levelOf } from '../wire/atlas';
import { FeatureRegistry } from './feature_registry';
import { layoutSwitch } from './layout_switch';
import { minimap } from './minimap';
import overrides from './overrides.css?inline';
import styles from './shell.css?inline';
import { toolbar } from './toolbar';

export class Shell {
  readonly #features: FeatureRegistry;

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    update: () => void,
  ) {
    const root = map.getRootNode();
    if (root instanceof ShadowRoot) {
      addStyles(root, styles);
      addOverrides(root, overrides);
    }
    const { store } = session;
    const nearest = new NearestSamples(() => {
      map.invalidate();
      update();
    });
    const player = new Player(session);
    const decorator = new MapDecorator(map, session, player);
    map.setDecorator(decorator);
    map.transition = new TwoStepScenes();
    // The overview is left out while the map has no size, as in a tab that is hidden.
    map.addEventListener('shown', update);
    session.pages.watch(update);
    new Reference(session);
    new BackgroundLoader(session);
    syncHighlight(store);
    keepOneListOpen(store);
    this.#features = new FeatureRegistry({ session, map, player, nearest, update }, () => {
      map.invalidate();
      update();
    });
    decorator.overlays = () => this.#features.collect((one) => one.overlays?.(store.state));
    decorator.marks = () => this.#features.collect((one) => one.marks?.(store.state));
    // Not before the parent can be notified.
    queueMicrotask(() => {
      map.invalidate();
      update();
    });
  }

  /** Whether everything that `state` requests is on screen. */
  ready(state: State): boolean {
    return (wantedStep(state) === null || isReferenceSettled(state)) && this.#features.ready(state);
  }

  /** Buttons for the bar at the head of the tab. */
  tools(state: State): TemplateResult {
    return toolbar(
      state,
      this.session,
      this.#features.show((one) => one.toolbar?.(state)),
    );
  }

  /** Beside the name of the run. */
  layouts(state: State): TemplateResult | typeof nothing {
    return layoutSwitch(state, this.session);
  }

  /** Below the bar at the head of the tab. */
  strip(state: State): Content {
    return this.#features.show((one) => one.strip?.(state));
  }

  /** At the left of the stage. */
  rail(state: State): Content {
    const open = this.#features.find((one) => {
      const list = one.rail?.(state);
      return list === nothing ? null : list;
    });
    return open ?? nothing;
  }

  /** Over the map. */
  stage(state: State): Content {
    const retry = () => this.session.retry();
    const drawn = state.phase === 'ready' && state.atlas !== null && state.stepFailure === null;
    const mapped = drawn && !state.table;
    const panes = this.#features.show((one) => one.panes?.(state));
    const below = mapped
      ? html`${mapButtons(this.map)} ${minimap(state, this.map)}
        ${this.#features.show((one) => one.mapControls?.(state))}`
      : nothing;
    return html`${below} ${failure(state, this.session, retry) ?? this.#leftColumn(state, retry)}
    ${drawn ? this.#features.show((one) => one.stage?.(state)) : nothing} ${panes}`;
  }

  /** The foot of the tab. */
  footer(state: State): Content {
    return this.#features.show((one) => one.footer?.(state));
  }

  /** The announcement of a change for screen readers, or null. */
  announce(state: State, before: State): string | null {
    const { hover, step, stepFailure, freshSteps } = state;
    if (stepFailure !== null && stepFailure !== before.stepFailure) {
      return `Step ${step} cannot be shown: ${stepFailure.message}`;
    }
    if (state.said !== before.said) return state.said;
    const missing = state.missing === before.missing ? '' : missingLine(state);
    if (missing) return missing;
    if (freshSteps > before.freshSteps) return plural(freshSteps, 'new step');
    const sentence = this.#features.find((one) => one.announce?.(state, before));
    if (sentence !== null) return sentence;
    if (samePlace(hover, before.hover) || !this.map.matches(':focus-visible')) return null;
    return formatCell(state.atlas, hover);
  }

  #leftColumn(state: State, retry: () => void): Content {
    const atlas = atlasOnScreen(state);
    const level = levelOf(atlas, state.shownLevel);
    if (!atlas || !level) return nothing;
    return html`<div class="left-column">
      ${banners(
        state,
        retry,
        () => this.map.revive(),
        () => void this.session.start(),
      )}
      <div class="legends">
        ${state.table ? nothing : this.#features.show((one) => one.legend?.(state, atlas, level))}
      </div>
    </div>`;
  }
}

/** The message on the stage if there is no map to show, or null. */
function failure(state: State, session: Session, retry: () => void): TemplateResult | null {
  if (state.phase === 'empty') return emptyState(retry, () => void session.openSample());
  if (state.phase === 'failed' && state.failure) return failedState(state.failure, retry);
  return state.stepFailure ? stepState(state.step, state.stepFailure, retry) : null;
}
