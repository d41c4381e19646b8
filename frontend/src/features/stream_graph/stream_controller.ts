// SPDX-License-Identifier: Apache-2.0
/** Shows the stream graph above the timeline, aligned with its ticks, and handles pointer and keys. */

import { nothing, type TemplateResult } from 'lit';
import {
  type Column,
  layOutStream,
  nearestColumn,
  REST,
  type Ribbon,
  type Stream,
} from '../../domain/stream_layout';
import type { AtlasMap } from '../../map/atlas_map';
import { commandOf } from '../../map/keybindings';
import { jumpTo } from '../../state/go_to_event';
import type { Session } from '../../state/session';
import type { State } from '../../state/store';
import type { Feature } from '../feature';
import { describe, type Pointed, streamPanel } from './stream_panel';

export class StreamController implements Feature {
  #stream: Stream | null = null;
  #key: readonly unknown[] = [];
  /** What the pointer is on. */
  #hover: Pointed | null = null;
  /** The ribbon that the arrow keys have reached. */
  #cursor: number | null = null;
  #isTable = false;
  #section: HTMLElement | null = null;
  readonly #observer = new ResizeObserver(() => this.#align());

  constructor(
    private readonly session: Session,
    private readonly map: AtlasMap,
    private readonly update: () => void,
  ) {}

  footer(state: State): TemplateResult | typeof nothing {
    const { history, series, stream: kind } = state;
    if (kind === '' || series === null) return nothing;
    const isGrouped = kind === 'groups' && history?.groups != null;
    const key = [history, series.steps, isGrouped];
    if (key.some((one, i) => one !== this.#key[i])) {
      this.#key = key;
      this.#stream = history && layOutStream(history, series.steps, isGrouped);
      this.#hover = null;
    }
    queueMicrotask(() => this.#align());
    const stream = this.#stream;
    const here = stream ? this.#here(stream) : 0;
    const cursor = stream?.ribbons.find(({ id }) => id === this.#cursor) ?? null;
    const { store } = this.session;
    return streamPanel({
      ...{ state, stream, isGrouped, here, hover: this.#hover, cursor, isTable: this.#isTable },
      hold: (section) => {
        this.#section = section;
      },
      close: () => this.#close(),
      group: (chosen) => store.set({ stream: chosen }),
      toggleTable: () => {
        this.#isTable = !this.#isTable;
        this.update();
      },
      point: (event) => this.#show(this.#pointed(event)),
      leave: () => this.#show(null),
      press: (event) => {
        const { ribbon, column } = this.#pointed(event) ?? {};
        if (stream && ribbon) this.#choose(ribbon, stream.columns[column ?? 0]);
      },
      choose: (ribbon) => this.#choose(ribbon),
      jump: (event) => jumpTo(event, this.session, this.map),
      type: (event) => this.#type(event),
    });
  }

  /** The column of the shown step. */
  #here({ columns }: Stream): number {
    const { step, series } = this.session.store.state;
    return nearestColumn(columns, series?.steps.indexOf(step ?? Number.NaN) ?? 0);
  }

  #show(hover: Pointed | null): void {
    if (hover === this.#hover) return;
    this.#hover = hover;
    this.update();
  }

  /** The ribbon under the pointer, and the nearest step that has it. */
  #pointed({ target, currentTarget, clientX }: MouseEvent): Pointed | null {
    const stream = this.#stream;
    const id = (target as SVGElement).dataset.id;
    const ribbon = stream?.ribbons.find((one) => String(one.id) === id);
    if (!stream || !ribbon) return null;
    const { left, width } = (currentTarget as HTMLElement).getBoundingClientRect();
    const last = (this.session.store.state.series?.steps.length ?? 1) - 1;
    const at = (last * (clientX - left)) / Math.max(1, width);
    return { ribbon, column: nearestColumn(stream.columns, at, ribbon) };
  }

  /** Goes to a step, and highlights a ribbon or, where both are shown, ends its highlight. */
  #choose({ id, name, concepts }: Ribbon, column?: Column): void {
    const { store } = this.session;
    const { highlight, step } = store.state;
    const isShown = column === undefined || column.step === step;
    const isHighlighted = isShown && highlight?.event === null && highlight.name === name;
    if (id !== REST) {
      const chosen = { ids: [...concepts], name, event: null };
      store.set({ highlight: isHighlighted ? null : chosen, playing: false });
    }
    if (column) this.session.chooseStep(column.step);
  }

  #type(event: KeyboardEvent): void {
    const stream = this.#stream;
    const { key } = event;
    if (!stream || event.altKey || event.metaKey || event.ctrlKey) return;
    const { ribbons, columns } = stream;
    const here = this.#here(stream);
    const alive = ribbons.filter(({ sizes }) => sizes[here]);
    const cursor = alive.findIndex(({ id }) => id === this.#cursor);
    const steps: Record<string, number> = {
      ArrowLeft: Math.max(0, here - 1),
      ArrowRight: Math.min(columns.length - 1, here + 1),
      Home: 0,
      End: columns.length - 1,
    };
    const by = { ArrowUp: -1, ArrowDown: 1 }[key];
    const column = columns[steps[key] ?? -1];
    if (column) this.session.chooseStep(column.step);
    else if (by) this.#moveTo(alive[Math.min(alive.length - 1, Math.max(0, cursor + by))], here);
    else if (key === 'Enter' && cursor >= 0) this.#choose(alive[cursor] as Ribbon);
    else {
      if (commandOf(event) === null) return;
      this.map.dispatchEvent(new KeyboardEvent('keydown', event));
    }
    event.preventDefault();
  }

  #moveTo(ribbon: Ribbon | undefined, column: number): void {
    if (!ribbon || !this.#stream) return;
    this.#cursor = ribbon.id;
    const said = `${ribbon.name}: ${describe(this.#stream, { ribbon, column })}`;
    this.session.store.set({ said });
    this.update();
  }

  #close(): void {
    const root = this.map.getRootNode() as ShadowRoot;
    if (this.#section?.contains(root.activeElement)) this.map.focus();
    this.session.store.set({ stream: '' });
  }

  /** Puts the columns above the ticks of the slider. */
  #align(): void {
    const track = (this.map.getRootNode() as ShadowRoot).querySelector('.track');
    const section = this.#section;
    if (!track || !section) return;
    this.#observer.observe(track);
    const { left, width } = track.getBoundingClientRect();
    const start = left - section.getBoundingClientRect().left;
    section.style.setProperty('--start', `${start}px`);
    section.style.setProperty('--width', `${width}px`);
    section.classList.toggle('narrow', start < 200);
  }
}
