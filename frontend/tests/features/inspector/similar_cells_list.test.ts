// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it } from 'vitest';
import { FIT } from '../../../src/domain/camera';
import { describeCell } from '../../../src/domain/cell_stats';
import type { NearestSamples } from '../../../src/domain/nearest_samples';
import { conceptLine, conceptList } from '../../../src/features/inspector/cell_concepts';
import { paintSimilar, similarList } from '../../../src/features/inspector/similar_cells_list';
import type { OverlayFrame } from '../../../src/map/overlay';
import { THEMES } from '../../../src/map/theme';
import { type State, Store } from '../../../src/state/store';
import { accuracyLine, type CellContext } from '../../../src/ui/cell_view';
import type { Activations } from '../../../src/wire/activations';
import { type Atlas, levelOf } from '../../../src/wire/atlas';
import { conceptEntry, drawAtlas } from '../../helpers/concept_fixtures';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

const { atlas } = drawAtlas(['ab', 'cd']);
const activations: Activations = {
  width: 2,
  values: new Float32Array([1, 0, 0, 1, 3, 1, 1, 1]),
  mean: new Float32Array(2),
  ...{ channels: 2, kind: 'float16', axes: null, lostVariance: null },
};

let store: Store;
let root: HTMLElement;
let fetched: boolean[];
beforeEach(() => {
  store = new Store();
  root = document.createElement('div');
  fetched = [];
});

/** What the inspector knows of the top left cell. */
function contextOf(known: Activations | string, shown: Atlas = atlas): CellContext {
  const level = levelOf(shown, 2);
  const facts = level && describeCell(shown, level, 0, 0);
  if (!level || !facts) throw new Error('no cell');
  const nearest = {
    activations: (_atlas: Atlas, fetch: boolean) => {
      fetched.push(fetch);
      return known;
    },
  } as unknown as NearestSamples;
  const session = { store, pages: { icon: () => null } };
  const { state } = store;
  return { state, session, nearest, atlas: shown, level, facts } as unknown as CellContext;
}

const text = () => (root.textContent ?? '').replace(/\s+/g, ' ').trim();

describe('list of similar cells', () => {
  it('names them by icon and cosine, most similar first, and goes there', () => {
    render(similarList(contextOf(activations)), root);
    const buttons = [...root.querySelectorAll<HTMLElement>('.similar-cell')];
    expect(buttons.map((one) => one.querySelector('.number')?.textContent)).toEqual([
      ...['.95', '.71', '.00'],
    ]);
    expect(buttons.map(({ title }) => title)).toEqual([
      ...['Go to row 2, column 1', 'Go to row 2, column 2', 'Go to row 1, column 2'],
    ]);
    store.set({ hover: { size: 2, row: 0, col: 0 } });
    buttons[0]?.click();
    expect(store.state).toMatchObject({ pinned: { size: 2, row: 1, col: 0 }, hover: null });
  });

  it('shows them on the map and hides them', () => {
    store.set({ pinned: { size: 2, row: 0, col: 0 } });
    render(similarList(contextOf(activations)), root);
    const button = root.querySelector<HTMLElement>('.button');
    expect(button?.textContent?.trim()).toBe('Show on the map');
    button?.click();
    expect(store.state.similar).toBe(true);
    render(similarList(contextOf(activations)), root);
    expect(button?.textContent?.trim()).toBe('Hide on the map');
  });

  it('says why there is none', () => {
    render(similarList(contextOf('Activations cannot be read: torn')), root);
    expect(text()).toContain('Activations cannot be read: torn');
    expect(root.querySelector('button')).toBeNull();
    const flat = { ...activations, values: new Float32Array(8) };
    render(similarList(contextOf(flat)), root);
    expect(text()).toContain('No other cell has activations to compare.');
  });

  it('requests activations once the map is at rest', () => {
    const request = (change: Partial<State>) => {
      store.set(change);
      render(similarList(contextOf(activations)), root);
    };
    request({ settled: false });
    request({ settled: true });
    request({ playing: true });
    expect(fetched).toEqual([false, true, false]);
  });
});

describe('similar cells on the map', () => {
  /** The texts of badges and the opacities of veils. */
  function draw(known: Activations | string, size = 2): { words: unknown[]; veils: unknown[] } {
    const words: unknown[] = [];
    const veils: unknown[] = [];
    const context = new Proxy({} as CanvasRenderingContext2D, {
      get: (_target, property) => (value: unknown) => {
        if (property === 'fillText') words.push(value);
        return { width: 20 };
      },
      set: (_target, property, value) => {
        if (property === 'globalAlpha') veils.push(value);
        return true;
      },
    });
    const { nearest, level } = contextOf(known);
    const frame = { camera: FIT, viewport: { width: 800, height: 440 }, atlas, level };
    const rest = { theme: THEMES.light, painters: [], values: null, hover: null, pinned: null };
    paintSimilar(nearest, { size, row: 0, col: 0 })(context, {
      ...frame,
      ...rest,
    } as unknown as OverlayFrame);
    return { words, veils };
  }

  it('have their cosine on them, and all others are dimmed', () => {
    const { words, veils } = draw({
      ...activations,
      // The last cell has no direction.
      values: new Float32Array([1, 0, 0, 1, 3, 1, 0, 0]),
    });
    expect(words).toEqual(['pinned', '.00', '.95']);
    expect(veils.slice(0, 4)).toEqual([0, 0, 0, 0.75]);
  });

  it('are not drawn before activations are here, nor on another grid', () => {
    expect(draw('Loading activations …').words).toEqual([]);
    expect(draw(activations, 4).words).toEqual([]);
  });
});

describe('concept of a cell', () => {
  const ids = { concepts: tensor('I32', new Int32Array([4, 4, 9, -1, 9, 4])) };
  const withChurn = (change: object) =>
    smallAtlas({ concepts: [conceptEntry(4, 'cats', 3, change), conceptEntry(9, 'dogs', 2)] }, ids);

  it('has name, share and churn on the card', () => {
    const shown = withChurn({ joined: 0.125, left: 0.04 });
    render(conceptLine(contextOf('', shown)), root);
    expect(text()).toBe('Concept cats 67% 13% joined, 4.0% left since the previous step');
  });

  it('says only what is known of the churn', () => {
    render(conceptLine(contextOf('', withChurn({ joined: 0, left: null }))), root);
    expect(text()).toBe('Concept cats 67% 0% joined since the previous step');
    render(conceptLine(contextOf('', withChurn({}))), root);
    expect(text()).toBe('Concept cats 67%');
  });

  it('is not there where concepts were not tracked', () => {
    render(conceptLine(contextOf('', smallAtlas())), root);
    expect(text()).toBe('');
  });

  it('has churn in the inspector, for each concept', () => {
    render(conceptList(contextOf('', withChurn({ joined: 0.5, left: 0.25 }))), root);
    const [cats, dogs] = [...root.querySelectorAll('.concept')].map((one) =>
      (one.textContent ?? '').replace(/\s+/g, ' ').trim(),
    );
    expect(cats).toContain('50% joined, 25% left since the previous step');
    expect(dogs).toBe('dogs 33% 2 samples · since step 0');
  });

  it('is highlighted by a click in the inspector, and again not', () => {
    render(conceptList(contextOf('', withChurn({}))), root);
    root.querySelector<HTMLElement>('.concept')?.click();
    expect(store.state.highlight).toEqual({ ids: [4], name: 'cats', event: null });
    render(conceptList(contextOf('', withChurn({}))), root);
    const first = root.querySelector<HTMLElement>('.concept');
    expect(first?.getAttribute('aria-pressed')).toBe('true');
    first?.click();
    expect(store.state.highlight).toBeNull();
  });
});

describe('accuracy of a cell', () => {
  const show = (tensors: Parameters<typeof smallAtlas>[1]) => {
    render(accuracyLine(contextOf('', smallAtlas({}, tensors))), root);
    return text();
  };
  const ints = (...values: number[]) => tensor('I32', Int32Array.from(values));

  it('is the share of its labeled samples that are predicted correctly', () => {
    expect(show({ predictions: ints(0, 1, 1, 0, 0, 0) })).toBe('accuracy 67%');
    expect(root.querySelector<HTMLElement>('.number')?.title).toBe(
      '2 of 3 labeled samples predicted correctly.',
    );
    expect(show({ labels: ints(0, -1, -1, 2, 2, 2), predictions: ints(0, -1, 1, 0, 0, 0) })).toBe(
      'accuracy 100%',
    );
  });

  it('is absent without labels or predictions', () => {
    expect(show({})).toBe('');
    expect(show({ labels: ints(-1, -1, -1, 2, 2, 2), predictions: ints(0, 0, 0, 0, 0, 0) })).toBe(
      '',
    );
  });
});
