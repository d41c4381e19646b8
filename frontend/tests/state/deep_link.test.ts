// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { FIT } from '../../src/domain/camera';
import { findRun, findSeries, findStep } from '../../src/domain/series/series_lookup';
import { readHash, writeHash } from '../../src/host/url_hash';
import { linkOf, readLink } from '../../src/state/deep_link';
import { Store } from '../../src/state/store';
import type { RunEntry } from '../../src/wire/manifest';

describe('hash', () => {
  it('restores what was written, for any name', () => {
    const values = { run: 'a&b=c#d <i>%', layer: 'blocks.10', step: '4000' };
    expect(readHash(writeHash('#atlas', values))).toEqual(values);
  });

  it("keeps the tab's name and other plugins' keys", () => {
    const written = writeHash('#scalars&p.other.k=v&p.atlas.step=1&tagFilter=x', { step: '2' });
    expect(written).toBe('#scalars&p.other.k=v&tagFilter=x&p.atlas.step=2');
  });

  it('never writes a second "=" into a token, nor a token without one', () => {
    const tokens = writeHash('#atlas', { run: 'x=y', layer: '' }).slice(1).split('&');
    expect(tokens).toEqual(['atlas', 'p.atlas.run=x%3Dy']);
  });

  it('leaves out what is too long for an address', () => {
    expect(writeHash('#atlas', { run: 'x'.repeat(5000) })).toBe('#atlas');
  });

  it('ignores values that were cut short', () => {
    expect(readHash('#atlas&p.atlas.run=%E0%A4&p.atlas.step=3')).toEqual({ step: '3' });
  });
});

describe('link', () => {
  const series = (id: string, layer: string) => ({
    id,
    layer,
    steps: [0, 10, 40],
    wallTimes: [1, 2, 3],
    versions: ['a', 'b', 'c'],
    shortcuts: [],
  });
  const runs: RunEntry[] = [
    { id: 'r0', run: 'empty/atlas', probe: false, series: [] },
    { id: 'r1', run: 'one/atlas', probe: true, series: [series('s1', 'a'), series('s2', 'b')] },
  ];

  it('stands by the id for a name that no address can hold', () => {
    const store = new Store();
    const [half, long] = [series('s3', 'half \ud800'), series('s4', 'x'.repeat(301))];
    const run: RunEntry = { id: 'r2', run: '\udcff/atlas', probe: false, series: [half, long] };
    store.set({ run, series: half });
    expect(linkOf(store.state)).toMatchObject({ run: 'r2', layer: 's3' });
    expect(writeHash('#atlas', linkOf(store.state))).toContain('p.atlas.run=r2');
    store.set({ series: long });
    expect(linkOf(store.state).layer).toBe('s4');
    expect(findSeries(run, 's3')).toBe(half);
  });

  it('reads nonsense as the defaults', () => {
    const link = readLink({
      ...{ step: 'x', grid: 'y', z: 'NaN', color: 'pink', show: 'all', outlines: 'thin' },
      ...{ compare: '?', mode: 'guess', drift: 'yes', map: 'flat', events: '1', stream: 'x' },
    });
    expect(link).toEqual({
      run: null,
      layer: null,
      step: null,
      level: 'auto',
      camera: FIT,
      color: 'icons',
      show: 'icons',
      outlines: '',
      similar: false,
      compare: null,
      compareIn: '',
      panes: '',
      compareMode: 'difference',
      drift: '',
      motion: true,
      eventList: false,
      stream: '',
      filter: '',
      sign: '',
      table: false,
      shortcut: '',
      pins: '',
      highlightText: '',
    });
  });

  it('names the run and the layer of A, if they are others', () => {
    const store = new Store();
    const run = runs[1] as RunEntry;
    const compareIn = 'b%2C%3B%20c,two%2Fatlas';
    store.set({ run, series: run.series[0] ?? null, step: 10, compare: 40, compareIn });
    const link = linkOf(store.state);
    expect(link.compare).toBe('b%2C%3B%20c,40,two%2Fatlas');
    const panes = { ...link, compare: `${link.compare};b,,one` };
    expect(readLink(panes)).toMatchObject({ compare: 40, compareIn, panes: 'b,,one' });
    expect(readLink({ compare: 'b,x,one' })).toMatchObject({ compare: null, panes: '' });
  });

  it('leads back to the state it came from', () => {
    const store = new Store();
    const run = runs[1] as RunEntry;
    store.set({
      run,
      series: run.series[0] ?? null,
      step: 10,
      level: 20,
      camera: { x: 0.25, y: 0.75, z: 3.5 },
      color: 'purity',
      show: 'both',
      outlines: 'off',
      similar: true,
      compare: 0,
      panes: '',
      compareMode: 'swipe',
      drift: 'attribution',
      motion: false,
      eventList: true,
      stream: 'groups',
      filter: 'toward:3,7',
      sign: 'both',
      table: true,
      shortcut: '7',
      pins: '10.4.5.40.s1',
      highlightText: 'image:17',
    });
    expect(readLink(linkOf(store.state))).toEqual({
      run: 'one/atlas',
      layer: 'a',
      step: 10,
      level: 20,
      camera: { x: 0.25, y: 0.75, z: 3.5 },
      color: 'purity',
      show: 'both',
      outlines: 'off',
      similar: true,
      compare: 0,
      compareIn: '',
      panes: '',
      compareMode: 'swipe',
      drift: 'attribution',
      motion: false,
      eventList: true,
      stream: 'groups',
      filter: 'toward:3,7',
      sign: 'both',
      table: true,
      shortcut: '7',
      pins: '10.4.5.40.s1',
      highlightText: 'image:17',
    });
  });

  it('stands in an id for a name too long', () => {
    const store = new Store();
    store.set({ run: { ...(runs[1] as RunEntry), run: 'x'.repeat(100_000) } });
    expect(linkOf(store.state).run).toBe('r1');
  });

  it('finds runs by name or id, and something to show otherwise', () => {
    expect(findRun(runs, 'one/atlas')?.id).toBe('r1');
    expect(findRun(runs, 'r1')?.id).toBe('r1');
    expect(findRun(runs, 'gone')?.id).toBe('r1');
    expect(findRun(runs, 'empty/atlas')?.id).toBe('r1');
    expect(findRun([], null)).toBeNull();
  });

  it('finds layers by name, and the deepest otherwise', () => {
    expect(findSeries(runs[1] as RunEntry, 'a')?.id).toBe('s1');
    expect(findSeries(runs[1] as RunEntry, null)?.id).toBe('s2');
  });

  it('finds the nearest step, and the last otherwise', () => {
    expect(findStep([0, 10, 40], 22)).toBe(10);
    expect(findStep([0, 10, 40], -5)).toBe(0);
    expect(findStep([0, 10, 40], null)).toBe(40);
    expect(findStep([], 3)).toBeNull();
  });
});

describe('Store', () => {
  it('reports changes with the state before, and only of real ones', () => {
    const store = new Store();
    const heard: [number | null, number | null][] = [];
    const stop = store.subscribe((state, before) => heard.push([before.step, state.step]));
    store.set({ step: 1 });
    store.set({ step: 1 });
    stop();
    store.set({ step: 2 });
    expect(heard).toEqual([[null, 1]]);
  });
});
