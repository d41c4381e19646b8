import { describe, expect, it } from 'vitest';
import { layerBeside } from '../../src/domain/series/series_lookup';
import { linkOf, readLink } from '../../src/state/deep_link';
import { readPanes, withoutPane, withPane, writePanes } from '../../src/state/pane_specs';
import { Store } from '../../src/state/store';
import type { RunEntry } from '../../src/wire/manifest';

const series = (id: string, layer: string, steps = [0, 10, 40]) => ({
  id,
  layer,
  steps,
  wallTimes: steps,
  versions: steps.map(String),
  shortcuts: [],
});
const run = (id: string, name: string, ...layers: ReturnType<typeof series>[]): RunEntry => ({
  id,
  run: name,
  probe: true,
  series: layers,
});
const one = run(
  'r1',
  'one/atlas',
  series('s2', 'block2'),
  series('s10', 'block10'),
  series('s3', 'block3'),
);
const two = run('r2', 'two; a,b/atlas', series('t2', 'block2', [5, 50]));

function stateOf(panes: string, layer = 1, step = 10) {
  const store = new Store();
  store.set({ runs: [one, two], run: one, series: one.series[layer] ?? null, step, panes });
  return store.state;
}

const namesOf = (panes: string) =>
  readPanes(stateOf(panes), [one, two]).map((spec) => [spec.run.id, spec.series.id, spec.step]);

describe('panes in an address', () => {
  it('come back as they were written, whatever the names', () => {
    const specs = [
      { run: two, series: two.series[0] as RunEntry['series'][0], step: 50 },
      { run: one, series: one.series[2] as RunEntry['series'][0], step: null },
    ];
    const panes = writePanes(specs);
    expect(panes).toBe('block2,50,two%3B%20a%2Cb%2Fatlas;block3,,one%2Fatlas');
    expect(readPanes(stateOf(panes), [one, two])).toEqual(specs);
  });

  it('use ids for names that no address has room for, or cannot hold', () => {
    const long = run('r9', '\u00e9'.repeat(100), series('s9', '\ud800'));
    const spec = { run: long, series: long.series[0] as RunEntry['series'][0], step: null };
    expect(writePanes([spec])).toBe('s9,,r9');
    expect(readPanes(stateOf('s9,,r9'), [one, long])).toEqual([spec]);
    expect(writePanes([spec, spec, spec]).length).toBeLessThan(900);
  });

  it('leave out what is as in the first pane', () => {
    expect(namesOf('block3')).toEqual([['r1', 's3', null]]);
    expect(namesOf('block3,40')).toEqual([['r1', 's3', 40]]);
    expect(namesOf('block3,zero')).toEqual([['r1', 's3', null]]);
  });

  it('are at most three, and nonsense is some layer that is there', () => {
    expect(namesOf('%E0%A4;;block2;a,b,c,d;block3;block3')).toEqual([
      ['r1', 's3', null],
      ['r1', 's2', null],
    ]);
  });

  it('are kept beside the step that is compared', () => {
    const store = new Store();
    store.set({ compare: 10, panes: 'block3,40' });
    expect(linkOf(store.state).compare).toBe('10;block3,40');
    expect(readLink({ compare: '10;block3,40' })).toMatchObject({
      compare: 10,
      panes: 'block3,40',
    });
    store.set({ compare: null });
    expect(linkOf(store.state).compare).toBe(';block3,40');
    expect(readLink({ compare: ';block3,40' })).toMatchObject({
      compare: null,
      panes: 'block3,40',
    });
    expect(readLink({ compare: '10' })).toMatchObject({ compare: 10, panes: '' });
  });
});

describe('the next pane', () => {
  it('is the layer above, by number, then the one below', () => {
    const state = stateOf('+', 2);
    expect(readPanes(state, [one, two]).map((spec) => spec.series.layer)).toEqual(['block10']);
    expect(
      readPanes({ ...state, panes: '+;+' }, [one, two]).map((spec) => spec.series.layer),
    ).toEqual(['block10', 'block2']);
  });

  it('is another run where all layers are there', () => {
    const alone = run('r3', 'three/atlas', series('u2', 'block2'));
    const store = new Store();
    store.set({
      runs: [alone, two],
      run: alone,
      series: alone.series[0] ?? null,
      step: 10,
      panes: '+',
    });
    expect(readPanes(store.state, [alone, two])).toMatchObject([
      { series: { id: 't2' }, step: 50 },
    ]);
    store.set({ runs: [alone] });
    expect(readPanes(store.state, [alone])).toMatchObject([{ series: { id: 'u2' }, step: 0 }]);
  });

  it('is opened while there is room', () => {
    expect(withPane(stateOf(''))).toBe('+');
    expect(withPane(stateOf('a;b'))).toBe('a;b;+');
    expect(withPane(stateOf('a;b;c'))).toBeNull();
    expect(withoutPane(stateOf('a;b;c'))).toBe('a;b');
    expect(withoutPane(stateOf('a;b;c'), 0)).toBe('b;c');
    expect(withoutPane(stateOf(''))).toBe('');
  });
});

describe('layers', () => {
  it('follow each other by number, and end', () => {
    const [b2, b10, b3] = one.series as [
      RunEntry['series'][0],
      RunEntry['series'][0],
      RunEntry['series'][0],
    ];
    expect(layerBeside(one, b2, 1)).toBe(b3);
    expect(layerBeside(one, b3, 1)).toBe(b10);
    expect(layerBeside(one, b10, 1)).toBeNull();
    expect(layerBeside(one, b2, -1)).toBeNull();
  });

  it('of a class are none', () => {
    const requests = run(
      'r1',
      'one/atlas',
      series('a', 'x'),
      series('b', 'x · cat'),
      series('c', 'y'),
    );
    expect(layerBeside(requests, requests.series[0] as RunEntry['series'][0], 1)?.id).toBe('c');
  });
});
