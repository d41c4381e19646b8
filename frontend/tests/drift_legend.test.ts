// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { describe, expect, it } from 'vitest';
import { Failure } from '../src/api';
import type { Level } from '../src/atlas';
import { driftLegend } from '../src/panels/drift_legend';
import { type State, Store } from '../src/store';
import { smallAtlas, tensor } from './build';

const floor = tensor('F32', new Float32Array([1, 1, 0, 0, 0, 0]));
const now = { ...smallAtlas({}, { noise_floor: floor }), step: 40, series: 's1' };
const level = now.levels[0] as Level;
const moved = tensor('F32', new Float32Array([...now.xy].map((x) => x / 2)), 6, 2);
const before = { ...smallAtlas({}, { xy: moved }), step: 10, series: 's1' };

function text(change: Partial<State>, atlas = now): string {
  const store = new Store();
  const series = {
    id: 's1',
    layer: 'layer3',
    steps: [0, 10, 40],
    wallTimes: [0, 1, 2],
    versions: [],
    shortcuts: [],
  };
  store.set({ series, step: 40, drift: true, other: before, ...change });
  const root = document.createElement('div');
  render(driftLegend(store.state, atlas, level), root);
  return (root.textContent ?? '').replace(/\s+/g, ' ').trim();
}

describe('legend of the drift', () => {
  it('says how many cells moved more than chance, and how far samples did', () => {
    // Of cell 0 one of three samples did, of cell 1 both; of all samples four of six.
    const shown = text({});
    expect(shown).toContain('1 of 2 cells moved more than chance since step 10');
    expect(shown).toContain('67% of them farther than chance');
  });

  it('says why there is nothing to compare with', () => {
    expect(text({ step: 0 })).toContain('first step');
    expect(text({ other: null })).toContain('on its way');
    const otherFailure = new Failure('damaged', 'torn', 'atlas?x');
    expect(text({ other: null, otherFailure })).toContain('cannot be read: torn');
    const foreign = smallAtlas({ provenance: { settings: {}, probe: 'bb', model: '', notes: [] } });
    expect(text({}, { ...foreign, step: 40 })).toContain('different probes');
  });

  it('calls nothing news without a floor', () => {
    const bare = { ...now, noiseFloor: null, levels: smallAtlas().levels };
    const store = new Store();
    const series = {
      id: 's1',
      layer: 'layer3',
      steps: [10, 40],
      wallTimes: [1, 2],
      versions: [],
      shortcuts: [],
    };
    store.set({ series, step: 40, drift: true, other: before });
    const root = document.createElement('div');
    render(driftLegend(store.state, bare, bare.levels[0] as Level), root);
    expect(root.textContent).toContain('No noise floor was recorded');
    expect(root.textContent).not.toContain('cells moved more');
  });

  it('warns that chance is that of one step where more lie between', () => {
    expect(text({ compare: 0, other: { ...before, step: 0 } })).toContain(
      '1 more step lies between',
    );
    expect(text({ compare: 10 })).not.toContain('between');
  });
});
