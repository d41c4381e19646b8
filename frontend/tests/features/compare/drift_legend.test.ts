// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { NearestSamples } from '../../../src/domain/nearest_samples';
import { driftLegend } from '../../../src/features/compare/drift_legend';
import { differenceOf } from '../../../src/state/difference_values';
import { driftOf, driftOfCell } from '../../../src/state/drift_values';
import type { Session } from '../../../src/state/session';
import { type State, Store } from '../../../src/state/store';
import { Failure } from '../../../src/wire/api';
import type { Atlas, Level } from '../../../src/wire/atlas';
import { NOT_RECORDED } from '../../../src/wire/attribution';
import { attributionAtlas, halves } from '../../helpers/class_fixtures';
import { binary, FakeServer, settle } from '../../helpers/fake_server';
import { series } from '../../helpers/two_step_fixtures';
import { safetensors, smallAtlas, smallProvenance, tensor } from '../../helpers/wire_builder';

const floor = tensor('F32', new Float32Array([1, 1, 0, 0, 0, 0]));
const now = { ...smallAtlas({}, { noise_floor: floor }), step: 40, series: 's1' };
const moved = tensor('F32', new Float32Array([...now.xy].map((x) => x / 2)), 6, 2);
const before = { ...smallAtlas({}, { xy: moved }), step: 10, series: 's1' };
let server: FakeServer;
beforeEach(() => {
  server = new FakeServer();
  server.install();
});

function sessionWith(change: Partial<State>, atlas: Atlas = now): Session {
  const store = new Store();
  store.set({ series, step: 40, drift: 'on', atlas, other: before, ...change });
  return { store } as Session;
}

function shown(session: Session, atlas: Atlas = now, nearest = new NearestSamples(() => {})) {
  const root = document.createElement('div');
  render(driftLegend(session, atlas, atlas.levels[0] as Level, nearest), root);
  return root;
}

const words = (root: HTMLElement) => (root.textContent ?? '').replace(/\s+/g, ' ').trim();
const text = (change: Partial<State>, atlas: Atlas = now) =>
  words(shown(sessionWith(change, atlas), atlas));

describe('legend of the drift', () => {
  it('says how many cells moved more than the noise floor, and how far samples did', () => {
    // Of cell 0 one of three samples did, of cell 1 both; of all samples four of six.
    const said = text({});
    expect(said).toContain('1 of 2 cells moved more than the noise floor since step 10');
    expect(said).toContain('67% of them more than the noise floor');
  });

  it('says why there is nothing to compare with', () => {
    expect(text({ step: 0 })).toContain('first step');
    expect(text({ other: null })).toContain('is loading');
    const otherFailure = new Failure('damaged', 'torn', 'atlas?x');
    expect(text({ other: null, otherFailure })).toContain('cannot be read: torn');
    const foreign = smallAtlas({ provenance: smallProvenance({ probe: 'bb' }) });
    expect(text({}, { ...foreign, step: 40 })).toContain('different probes');
  });

  it('calls nothing significant without a floor', () => {
    const bare = { ...now, noiseFloor: null, levels: smallAtlas().levels };
    const said = text({}, bare);
    expect(said).toContain('No noise floor was recorded');
    expect(said).not.toContain('cells moved more');
  });

  it('warns that the noise floor is that of one step if there are more between', () => {
    const said = text({ compare: 0, other: { ...before, step: 0 } });
    expect(said).toContain('1 more step lies between');
    expect(said).toContain('since A, step 0');
    expect(text({ compare: 10 })).not.toContain('between');
  });

  it('hides the difference of two steps while it colors cells, but not while it draws arrows', () => {
    const of = (drift: State['drift']) =>
      differenceOf(sessionWith({ drift, compare: 10 }).store.state, now, now.levels[0] as Level);
    expect(of('activation')).toBe('The difference is not shown while drift is shown.');
    expect(of('on')).toBeTypeOf('object');
    expect(of('')).toBeTypeOf('object');
  });

  it('is of the channel that is chosen', () => {
    const session = sessionWith({});
    const root = shown(session);
    const radios = [...root.querySelectorAll('input')];
    expect(radios.map(({ value, checked }) => [value, checked])).toEqual([
      ['on', true],
      ['activation', false],
      ['attribution', false],
    ]);
    radios[2]?.dispatchEvent(new Event('change'));
    expect(session.store.state.drift).toBe('attribution');
    expect(words(shown(session))).toContain(NOT_RECORDED);
  });
});

describe('drift of activations', () => {
  const bits = (...values: number[]) => new Uint16Array(values.map((one) => HALVES[one] as number));
  const HALVES: Record<number, number> = { 0: 0, 1: 0x3c00, [-1]: 0xbc00, 3: 0x4200, [-3]: 0xc200 };
  const values = (...of: number[]) =>
    binary(safetensors({ values: tensor('F16', bits(...of), 6, 2) }));

  it('is shown once both steps are loaded, and for each cell', async () => {
    server.set('activations?id=s1&step=10', () => values(1, 0, 1, 0, 0, 1, -1, 0, -1, 0, 0, -1));
    server.set('activations?id=s1&step=40', () => values(0, 1, 1, 0, 0, -1, -1, 0, 3, 0, -3, 0));
    const nearest = new NearestSamples(() => {});
    const session = sessionWith({ drift: 'activation' });
    const [was, is] = [
      { ...before, series: 's1', step: 10 },
      { ...now, series: 's1', step: 40 },
    ];
    session.store.set({ other: was, atlas: is });
    expect(words(shown(session, is, nearest))).toContain('Loading activations');
    expect(nearest.idle).toBe(false);
    await settle();
    expect(nearest.idle).toBe(true);
    // 1, 0, 2 and 0, 2, by sample of the cells, and 1 of the one outside of them.
    expect(words(shown(session, is, nearest))).toContain(
      '2 of 2 cells changed more than storage precision explains since step 10',
    );
    expect(words(shown(session, is, nearest))).toContain(
      'Activations changed by 1.00 (1 − cosine) on average; 67% of them more than storage',
    );
    const found = driftOf(session.store.state, is, is.levels[0] as Level, nearest);
    if (typeof found === 'string') throw new Error(found);
    expect(driftOfCell(session.store.state, found, 0)).toBe(
      'Activations changed by 1.00 (1 − cosine) since step 10; 67% of them more than storage precision explains.',
    );
    expect(server.requests).toHaveLength(2);
  });

  it('says what cannot be read', async () => {
    const nearest = new NearestSamples(() => {});
    const session = sessionWith({ drift: 'activation' });
    shown(session, now, nearest);
    await settle();
    expect(words(shown(session, now, nearest))).toContain(
      'Activations cannot be read: There is no such thing here.',
    );
    expect(server.requests).toHaveLength(2);
  });

  it('requests failed activations again, after a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const nearest = new NearestSamples(() => {});
    const session = sessionWith({ drift: 'activation' });
    shown(session, now, nearest);
    await settle();
    shown(session, now, nearest);
    expect(server.requests).toHaveLength(2);
    vi.advanceTimersByTime(5_000);
    vi.useRealTimers();
    expect(words(shown(session, now, nearest))).toContain('Loading activations');
    expect(server.requests).toHaveLength(4);
  });

  it('requests none of a step that is only passed', () => {
    const session = sessionWith({ drift: 'activation', atlas: before });
    shown(session, now);
    expect(server.requests).toEqual([]);
  });
});

describe('drift of attribution', () => {
  it('is pale where how far samples agree was not recorded', () => {
    const [was, is] = [10, 40].map((step) => ({ ...attributionAtlas(halves), step, series: 's1' }));
    const said = text({ drift: 'attribution', other: was as Atlas }, is as Atlas);
    expect(said).toContain('Attribution, since step 10');
    expect(said).toContain('No noise floor was recorded');
  });
});
