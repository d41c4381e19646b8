// SPDX-License-Identifier: Apache-2.0
/** What is not needed until somebody asks for it: each part is a chunk that comes with the first asking. */

import { html, nothing, type TemplateResult } from 'lit';
import type { Evidence } from '../domain/nearest_samples';
import type { AtlasMap } from '../map/atlas_map';
import type { Layer } from '../map/overlay';
import type { Session } from '../state/session';
import type { State } from '../state/store';
import type { CellContext } from '../ui/cell_view';
import { acrossTool, extraTools } from './extra_tools';

interface Part {
  render(state: State): TemplateResult | typeof nothing;
  /** What it draws over the tiles. */
  layers?(state: State): readonly Layer[];
  /** A section of the inspector. */
  section?(context: CellContext): unknown;
  /** Whether all that it shows is on screen; a part without is, once it is here. */
  complete?(): boolean;
}

interface Module {
  readonly Part: {
    new (session: Session, map: AtlasMap, update: () => void, evidence: Evidence): Part;
  };
}

interface Host {
  readonly evidence: Evidence;
  /** What every part needs before it is drawn. */
  prepare(): Promise<void>;
  /** Another part is here. */
  arrived(): void;
}

/** By the field of the state that asks for it. */
const MODULES = {
  table: (): Promise<Module> => import('../features/table/table_controller'),
  finding: (): Promise<Module> => import('../features/search/search_controller'),
  exporting: (): Promise<Module> => import('../features/export/export_controller'),
  panes: (): Promise<Module> => import('../features/panes/panes_controller'),
  across: (): Promise<Module> => import('../features/panes/layer_links_panel'),
  kept: (): Promise<Module> => import('../features/selection/selection_controller'),
} as const;

type Asking = keyof typeof MODULES;

export class Extras {
  /** Null while a part is on its way. */
  readonly #parts = new Map<Asking, Part | null>();

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
    private readonly host: Host,
  ) {
    session.store.subscribe((state) => this.#follow(state));
    this.#follow(session.store.state);
  }

  /** Whether all that `state` asks for is here. */
  complete(state: State): boolean {
    return asked(state).every((name) => {
      const part = this.#parts.get(name);
      return part && part.complete?.() !== false;
    });
  }

  tools(state: State): TemplateResult {
    return extraTools(state, this.session);
  }

  /** Over the map; where nothing is drawn on it, only what has maps of its own. */
  stage(state: State, drawn: boolean): TemplateResult {
    const shown = [...this.#parts].filter(([name]) => (drawn ? name !== 'kept' : name === 'panes'));
    return html`${shown.map(([, part]) => part?.render(state))}`;
  }

  /** At the left of the stage. */
  rail(state: State): TemplateResult | typeof nothing {
    return this.#parts.get('kept')?.render(state) ?? nothing;
  }

  layers(state: State): readonly Layer[] {
    return [...this.#parts.values()].flatMap((part) => part?.layers?.(state) ?? []);
  }

  section(context: CellContext): TemplateResult {
    return html`${acrossTool(context)}${[...this.#parts.values()].map((part) => part?.section?.(context))}`;
  }

  #follow(state: State): void {
    for (const name of asked(state)) {
      if (this.#parts.has(name)) continue;
      this.#parts.set(name, null);
      Promise.all([MODULES[name](), this.host.prepare()]).then(
        ([{ Part }]) => {
          this.#parts.set(name, new Part(this.session, this.map, this.update, this.host.evidence));
          this.session.store.set({ lost: false });
          this.host.arrived();
        },
        // The button comes up again, and a second press asks anew.
        () => {
          this.#parts.delete(name);
          const closed = typeof state[name] === 'string' ? '' : false;
          this.session.store.set({
            [name]: closed,
            lost: true,
            said: 'TensorBoard does not answer.',
          });
        },
      );
    }
  }
}

function asked(state: State): Asking[] {
  return (Object.keys(MODULES) as Asking[]).filter((name) => state[name]);
}
