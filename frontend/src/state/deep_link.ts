// SPDX-License-Identifier: Apache-2.0
/** Deep links: the parts of the state that the URL contains. */

import { type Camera, clampCamera, FIT } from '../domain/camera';
import { type Compared, findSeriesA } from '../domain/comparison/compared_series';
import {
  COLOR_MODES,
  COMPARE_MODES,
  type ColorMode,
  type CompareMode,
  DRIFTS,
  type DriftQuantity,
  SHOW_MODES,
  type ShowMode,
} from '../domain/display_types';
import { hrefOf } from '../host/tensorboard';
import type { HashValues } from '../host/url_hash';
import type { RunEntry, SeriesEntry } from '../wire/manifest';
import type { Missing } from './slices/loaded_log';
import type { State } from './store';

const LONGEST_NAME = 300;

export interface Link {
  readonly run: string | null;
  readonly layer: string | null;
  readonly step: number | null;
  readonly level: number | 'auto';
  readonly camera: Camera;
  readonly color: ColorMode;
  readonly show: ShowMode;
  readonly outlines: State['outlines'];
  readonly similar: boolean;
  readonly compare: number | null;
  readonly compareIn: string;
  readonly compareMode: CompareMode;
  readonly panes: string;
  readonly drift: DriftQuantity | '';
  readonly motion: boolean;
  readonly eventList: boolean;
  readonly stream: State['stream'];
  readonly filter: string;
  readonly sign: string;
  readonly table: boolean;
  readonly shortcut: string;
  readonly pins: string;
  readonly highlightText: string;
}

export function readLink(values: HashValues): Link {
  const [a = '', ...panes] = (values.compare ?? '').split(';');
  // The step alone, or layer, step and run as for a pane.
  const side = a.split(',');
  const [layer = '', at, ...run] = side.length > 1 ? side : ['', a];
  return {
    run: values.run ?? null,
    layer: values.layer ?? null,
    step: number(values.step),
    level: number(values.grid) ?? 'auto',
    camera: clampCamera({
      x: number(values.x) ?? FIT.x,
      y: number(values.y) ?? FIT.y,
      z: number(values.z) ?? FIT.z,
    }),
    color: oneOf(COLOR_MODES, values.color, 'icons'),
    show: oneOf(SHOW_MODES, values.show, 'icons'),
    outlines: oneOf(['', 'on', 'off'], values.outlines, ''),
    similar: values.similar === 'on',
    compare: number(at),
    compareIn: layer && [layer, ...run].join(),
    panes: panes.join(';'),
    compareMode: oneOf(COMPARE_MODES, values.mode, 'difference'),
    drift: oneOf(['', ...DRIFTS], values.drift, ''),
    motion: values.map !== 'fixed',
    eventList: values.events === 'on',
    stream: oneOf(['', 'concepts', 'groups'], values.stream, ''),
    filter: values.filter ?? '',
    sign: values.sign ?? '',
    table: values.view === 'table',
    shortcut: values.shortcut ?? '',
    pins: values.pins ?? '',
    highlightText: values.lit ?? '',
  };
}

/** The values that lead back to `state`; what is as at the start is left out. */
export function linkOf(state: State): HashValues {
  const { camera } = state;
  const { compare, ...named } = state.missing;
  const moved = camera.x !== FIT.x || camera.y !== FIT.y || camera.z !== FIT.z;
  return {
    run: nameOrId(state.run?.run, state.run?.id),
    layer: nameOrId(state.series?.layer, state.series?.id),
    step: state.step === null ? '' : String(state.step),
    grid: state.level === 'auto' ? '' : String(state.level),
    x: moved ? camera.x.toFixed(4) : '',
    y: moved ? camera.y.toFixed(4) : '',
    z: moved ? camera.z.toFixed(3) : '',
    color: state.color === 'icons' ? '' : state.color,
    show: state.show === 'icons' ? '' : state.show,
    outlines: state.outlines,
    similar: state.similar ? 'on' : '',
    compare: (compare ?? writeA(state)) + (state.panes && `;${state.panes}`),
    mode: state.compare === null ? '' : state.compareMode,
    drift: state.drift,
    map: state.motion ? '' : 'fixed',
    events: state.eventList ? 'on' : '',
    stream: state.stream,
    filter: state.filter,
    sign: state.sign,
    view: state.table ? 'table' : '',
    shortcut: state.shortcut,
    pins: state.pins,
    lit: state.highlightText,
    // It may be there when the log has been read to its end, or on another machine.
    ...named,
  };
}

function writeA({ compare, compareIn }: Pick<Link, 'compare' | 'compareIn'>): string {
  const [layer, run] = compareIn.split(',');
  return compare === null || compareIn === '' ? `${compare ?? ''}` : [layer, compare, run].join();
}

/** Names make readable links; ids replace names that are too long or not well formed. */
function nameOrId(name: string | undefined, id: string | undefined): string {
  const fits = name !== undefined && name.length <= LONGEST_NAME && !/\p{Cs}/u.test(name);
  return (fits ? name : id) ?? '';
}

function oneOf<T extends string>(options: readonly T[], text: string | undefined, or: T): T {
  return options.find((option) => option === text) ?? or;
}

function number(text: string | undefined): number | null {
  const value = Number(text?.trim() || Number.NaN);
  return Number.isFinite(value) ? value : null;
}

/** What a link names and `run` and `series`, which are shown instead, lack. */
export function missingOf(
  link: Link,
  there: Pick<Compared, 'runs' | 'series'> & { readonly run: RunEntry },
): Missing {
  const { run: named, layer, step, compare } = link;
  const { run, series } = there;
  const lacks = (at: number | null, of: SeriesEntry | null = series) =>
    at !== null && !of?.steps.includes(at);
  return {
    ...(named && named !== run.run && named !== run.id && { run: named }),
    ...(layer && layer !== series?.layer && layer !== series?.id && { layer }),
    ...(lacks(step) && { step: String(step) }),
    ...(lacks(compare, findSeriesA({ ...link, ...there })) && {
      compare: writeA(link),
    }),
  };
}

/** The address that leads back to what is shown. */
export function linkTo(state: State): string {
  return hrefOf(linkOf(state));
}
