// SPDX-License-Identifier: Apache-2.0
/** What is not needed until somebody asks for it: each part is a chunk that comes with the first asking. */

import { type CSSResult, html, nothing, type TemplateResult } from 'lit';
import type { AtlasMap } from './map/atlas_map';
import { extraTools } from './panels/extra_tools';
import type { Session } from './session';
import type { State } from './store';

interface Part {
  render(state: State): TemplateResult | typeof nothing;
}

interface Module {
  readonly Part: {
    readonly styles: readonly CSSResult[];
    new (session: Session, map: AtlasMap, update: () => void): Part;
  };
}

/** By the field of the state that asks for it. */
const MODULES = {
  table: (): Promise<Module> => import('./table'),
  finding: (): Promise<Module> => import('./find'),
  exporting: (): Promise<Module> => import('./export'),
  kept: (): Promise<Module> => import('./kept'),
} as const;

type Asking = keyof typeof MODULES;

export class Extras {
  /** Null while a part is on its way. */
  readonly #parts = new Map<Asking, Part | null>();

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
    private readonly arrived: (styles: readonly CSSResult[]) => void,
  ) {
    session.store.subscribe((state) => this.#follow(state));
    this.#follow(session.store.state);
  }

  /** Whether all that `state` asks for is here. */
  complete(state: State): boolean {
    return asked(state).every((name) => this.#parts.get(name));
  }

  tools(state: State): TemplateResult {
    return extraTools(state, this.session);
  }

  /** Over the map. */
  stage(state: State): TemplateResult {
    const over = [...this.#parts].filter(([name]) => name !== 'kept');
    return html`${over.map(([, part]) => part?.render(state))}`;
  }

  /** At the left of the stage. */
  rail(state: State): TemplateResult | typeof nothing {
    return this.#parts.get('kept')?.render(state) ?? nothing;
  }

  #follow(state: State): void {
    for (const name of asked(state)) {
      if (this.#parts.has(name)) continue;
      this.#parts.set(name, null);
      MODULES[name]().then(
        ({ Part }) => {
          this.#parts.set(name, new Part(this.session, this.map, this.update));
          this.arrived(Part.styles);
        },
        // The button comes up again, and a second press asks anew.
        () => {
          this.#parts.delete(name);
          this.session.store.set({ [name]: false, said: 'TensorBoard does not answer.' });
        },
      );
    }
  }
}

function asked(state: State): Asking[] {
  return (Object.keys(MODULES) as Asking[]).filter((name) => state[name]);
}
