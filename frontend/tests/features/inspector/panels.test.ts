// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { describe, expect, it, vi } from 'vitest';
import { topBar } from '../../../src/app/top_bar';
import { describeCell } from '../../../src/domain/cell_stats';
import { coloring } from '../../../src/domain/map_colors';
import { NearestSamples } from '../../../src/domain/nearest_samples';
import { helpDialog } from '../../../src/features/help/help';
import { card } from '../../../src/features/inspector/hover_card';
import { inspector } from '../../../src/features/inspector/inspector';
import { legendPanel } from '../../../src/features/legend/legend';
import type { Session } from '../../../src/state/session';
import { type State, Store } from '../../../src/state/store';
import type { CellContext } from '../../../src/ui/cell_view';
import { cutName } from '../../../src/util/format';
import { Failure } from '../../../src/wire/api';
import type { Level } from '../../../src/wire/atlas';
import { conceptEntry } from '../../helpers/concept_fixtures';
import {
  atlas,
  find,
  level,
  root,
  run,
  sessionSpy,
  show,
  stateWith,
  text,
} from '../../helpers/panel_page';
import { smallAtlas, tensor } from '../../helpers/wire_builder';

const UNTRUSTED = '<img src=x onerror=alert(1)>\u202e\u0000';

describe('top bar', () => {
  it('shows untrusted names as text', () => {
    const evil = run(UNTRUSTED, UNTRUSTED);
    show(
      topBar(stateWith({ runs: [evil], run: evil, series: evil.series[0] ?? null }), sessionSpy()),
    );
    expect(root.querySelector('img')).toBeNull();
    expect(text('#run')).toContain('<img src=x onerror=alert(1)>');
    expect(text('#run')).not.toContain('\u202e');
  });

  it('leaves the child folder out of run names', () => {
    const own = run('atlas', 'a');
    show(topBar(stateWith({ runs: [run('exp/atlas', 'a'), own] }), sessionSpy()));
    const labels = [...root.querySelectorAll('#run option')].map((one) => one.textContent?.trim());
    expect(labels).toEqual(['exp', '(log directory)']);
  });

  it('has a label for every control', () => {
    show(topBar(stateWith({}), sessionSpy()));
    for (const select of root.querySelectorAll('select')) {
      expect(root.querySelector(`label[for="${select.id}"]`)).not.toBeNull();
    }
    expect(find('[role=radiogroup]').getAttribute('aria-labelledby')).toBe('show-label');
    for (const button of root.querySelectorAll('button')) {
      expect(button.getAttribute('aria-label')).toBeTruthy();
      expect(button.title).toContain(button.getAttribute('aria-label') ?? '?');
    }
  });

  it('passes choices on', () => {
    const session = sessionSpy();
    show(topBar(stateWith({}), session));
    const choose = (id: string, value: string) => {
      const select = find<HTMLSelectElement>(`#${id}`);
      select.value = value;
      select.dispatchEvent(new Event('change'));
    };
    choose('layer', 'exp/atlas/1');
    choose('color', 'purity');
    choose('level', '2');
    find<HTMLInputElement>('input[value=points]').dispatchEvent(new Event('change'));
    expect(session.calls).toEqual([
      ['series', 'exp/atlas/1'],
      ['set', { color: 'purity' }],
      ['set', { level: 2 }],
      ['set', { show: 'points' }],
    ]);
  });

  it('disables color modes that the run cannot have', () => {
    show(topBar(stateWith({}), sessionSpy()));
    const disabled = [...root.querySelectorAll('#color option')]
      .filter((option) => option.hasAttribute('disabled'))
      .map((option) => option.textContent?.trim());
    expect(disabled).toEqual([
      'Prediction (not recorded)',
      'Concept (not recorded)',
      'Accuracy (not recorded)',
      'Confusion (not recorded)',
    ]);
  });
});

describe('legend', () => {
  it('names the classes in their colors, and where the map comes from', () => {
    show(legendPanel(atlas, level, coloring(atlas, level, 'class').legend, 'icons', true));
    const entries = [...root.querySelectorAll('li')].map((item) => item.textContent?.trim());
    expect(entries).toEqual(['cat', 'dog', 'ship']);
    expect(text('.provenance')).toBe(
      '6 samples · 2 × 2 · 15 neighbors · inversion, 1 weak, 1 missing (hatched) · trustworthiness .95',
    );
    expect(find('.provenance').title).toContain('weak: icons with a cosine under .30');
    const fields = { ...atlas.manifest.fields, logged_samples: 1_000_000 };
    const some = { ...atlas, manifest: { ...atlas.manifest, fields } };
    show(legendPanel(some, level, coloring(some, level, 'class').legend, 'icons', true));
    expect(text('.provenance')).toContain('6 of 1,000,000 samples · 2 × 2');
    const byClass = coloring(some, level, 'class').legend;
    show(legendPanel(some, level, byClass, 'points', true, undefined, 'all 312 in view'));
    expect(text('.provenance')).toContain('6 of 1,000,000 samples; all 312 in view · 2 × 2');
    expect(find<HTMLDetailsElement>('details').open).toBe(true);
  });

  it('says what the icons of the level are, not what was configured', () => {
    const { legend } = coloring(atlas, level, 'icons');
    const drawn = (kinds: number[], cosines: number[]) => {
      const kind = new Uint8Array(kinds);
      const cosine = new Float32Array(cosines);
      show(legendPanel(atlas, { ...level, kind, cosine }, legend, 'icons', true));
      return text('.provenance');
    };
    expect(drawn([4, 4], [0.9, 0.3])).toBe(
      '6 samples · 2 × 2 · 15 neighbors · poster · trustworthiness .95',
    );
    expect(drawn([1, 3, 3, 2], [0.1, 0.9, 0.2, 0.8])).toBe(
      '6 samples · 2 × 2 · 15 neighbors · 2 inversion, 1 examples, 1 preview, 2 weak · trustworthiness .95',
    );
    expect(drawn([0, 0], [Number.NaN, Number.NaN])).toBe(
      '6 samples · 2 × 2 · 15 neighbors · trustworthiness .95',
    );
  });

  it('lists the largest concepts, each a button that highlights it, and counts the others', () => {
    const concepts = Array.from({ length: 14 }, (_, id) => conceptEntry(id, `concept ${id}`, id));
    const ids = { concepts: tensor('I32', new Int32Array([13, 13, 12, -1, 9, 4])) };
    const tracked = smallAtlas({ concepts }, ids);
    const shown = tracked.levels[0] as Level;
    const { legend } = coloring(tracked, shown, 'concept');
    const press = vi.fn();
    const buttons = { pressed: 12, press };
    show(legendPanel(tracked, shown, legend, 'icons', true, buttons));
    const listed = [...root.querySelectorAll<HTMLElement>('.swatches button')];
    expect(listed).toHaveLength(11);
    expect(listed[0]?.textContent?.trim()).toBe('concept 13');
    expect(listed[0]?.title).toBe('Highlight concept 13');
    const long = 'wire-haired fox terrier/Sealyham terrier 1';
    expect(cutName(long, 24)).toBe('wire-haired fox terrier');
    expect(listed.map((one) => one.getAttribute('aria-pressed')).slice(0, 3)).toEqual([
      ...['false', 'true', 'false'],
    ]);
    listed[2]?.click();
    expect(press).toHaveBeenCalledWith(11, 'concept 11');
    const rest = [...root.querySelectorAll('.swatches li')].slice(11);
    expect(rest.map((one) => one.textContent)).toEqual(['3 smaller concepts', 'in no concept']);
    expect(rest.map((one) => one.querySelectorAll('i').length)).toEqual([0, 1]);
  });

  it('says whether rims or points carry the color', () => {
    const { legend } = coloring(atlas, level, 'class');
    const titles = (['icons', 'points', 'both'] as const).map((mode) => {
      show(legendPanel(atlas, level, legend, mode, true));
      return text('summary');
    });
    expect(titles).toEqual([
      'Majority class of a cell',
      "Each sample's own class",
      "Majority class of a cell; points: each sample's own class",
    ]);
  });

  it('shows the ends of a scale', () => {
    show(legendPanel(atlas, level, coloring(atlas, level, 'population').legend, 'icons', false));
    expect(text('.scale')).toBe('0 3');
    expect(find<HTMLDetailsElement>('details').open).toBe(false);
  });

  it('says what was not recorded', () => {
    show(legendPanel(atlas, level, coloring(atlas, level, 'prediction').legend, 'icons', true));
    expect(text('details p')).toBe('No predictions were recorded in this run.');
  });

  it('has no key for plain icons', () => {
    show(legendPanel(atlas, level, coloring(atlas, level, 'icons').legend, 'icons', true));
    expect(root.querySelector('details')).toBeNull();
  });
});

describe('cell', () => {
  function context(row: number, col: number, change: Partial<State> = {}): CellContext {
    const shown = change.atlas ?? atlas;
    const facts = describeCell(shown, level, row, col);
    if (facts === null) throw new Error('no such cell');
    const nearest = new NearestSamples(() => {});
    const state = stateWith({ settled: false, ...change });
    return { state, session: sessionSpy(), nearest, atlas: shown, level, facts };
  }
  const box = { x: 10, y: 10, side: 20 };
  const room = { width: 900, height: 600 };

  it('says how many, how alike, of what classes and where', () => {
    show(card(context(0, 0), box, room));
    expect(text('.headline')).toBe('3 samples 50% of the map');
    expect(text('.icon-line')).toContain('Feature inversion');
    expect(text('.icon-line .number')).toBe('cosine .25');
    expect(text('.weak')).toBe('weak');
    expect(find('.weak').title).toContain('.30');
    expect(text('.bars')).toBe('cat 67% dog 33%');
    expect(text('.position')).toBe('Row 1, column 1 of 2 × 2 · layer3 · step 7');
    expect(find('.card').dataset).toMatchObject({ row: '0', col: '0' });
  });

  it('says nothing of the likeness of an icon that is not there', () => {
    show(card(context(1, 1), box, room));
    expect(root.querySelector('.icon-line')).toBeNull();
    expect(text('.big-icon')).toBe('no icon');
  });

  it('says what was not recorded instead of showing nothing', () => {
    show(card(context(0, 0, { atlas: { ...atlas, labels: null } }), box, room));
    expect(text('.card')).toContain('No labels or predictions were recorded in this run.');
  });

  it('says why there are no real patches', () => {
    const withoutProbe = { ...run('x', 'layer3'), probe: false };
    show(card(context(0, 0, { run: withoutProbe }), box, room));
    expect(text('.card')).toContain('The images of the probe are not in this run.');
    const probeFailure = new Failure('damaged', 'torn', 'probe');
    show(card(context(0, 0, { probeFailure }), box, room));
    expect(text('.card')).toContain('Images of the probe: torn');
    const probe = { manifest: { digest: 'other' }, placeOf: new Map() } as never;
    show(card(context(0, 0, { probe }), box, room));
    expect(text('.card')).toContain('another probe');
  });

  it('shows as many patches as the cell has, and by what they are ranked', () => {
    show(card(context(0, 0), box, room));
    expect(root.querySelectorAll('.patch')).toHaveLength(3);
    expect(text('section h3')).toBe('Nearest real patches by distance on the map');
  });

  it('opens the whole image of a patch in the inspector', () => {
    const chosen = vi.fn();
    show(inspector(context(0, 0), { sample: null, choose: chosen }, () => {}));
    const patches = [...root.querySelectorAll<HTMLElement>('.patch-button')];
    expect(patches.map((patch) => patch.title)).toEqual([
      'image 11, cat',
      'image 10, cat',
      'image 12, dog',
    ]);
    patches[2]?.click();
    expect(chosen).toHaveBeenCalledWith(2);
    show(inspector(context(0, 0), { sample: 2, choose: chosen }, () => {}));
    expect(patches.map((patch) => patch.getAttribute('aria-pressed'))).toEqual([
      'false',
      'false',
      'true',
    ]);
    patches[2]?.click();
    expect(chosen).toHaveBeenLastCalledWith(null);
  });

  it('distinguishes a wrong prediction from the label', () => {
    const predictions = tensor('I32', new Int32Array([0, 2, 1, 2, 2, 1]));
    const predicted = smallAtlas({}, { predictions });
    show(
      inspector(context(0, 0, { atlas: predicted }), { sample: null, choose: () => {} }, () => {}),
    );
    expect(find('.patch-button').title).toBe('image 11, cat, predicted ship');
  });

  it('adds the cell to the pins, and removes it again', () => {
    const store = new Store();
    store.set({ atlas });
    const session = { ...sessionSpy(), store } as unknown as Session;
    const open = () => {
      const cell = { ...context(0, 0, { pins: store.state.pins }), session };
      show(inspector(cell, { sample: null, choose: () => {} }, () => {}));
    };
    open();
    const button = find('[aria-label="Add to the pins"]');
    expect(button.getAttribute('aria-pressed')).toBe('false');
    button.click();
    expect(store.state.pins).toBe('2.0.0.7.s1');
    open();
    expect(button.getAttribute('aria-pressed')).toBe('true');
    button.click();
    expect(store.state.pins).toBe('');
  });

  it('reports when the pinned cell is no longer visible, and closes', () => {
    const close = vi.fn();
    show(inspector(null, { sample: null, choose: () => {} }, close));
    expect(text('p')).toContain('The pinned cell has too few samples');
    find('[aria-label=Unpin]').click();
    expect(close).toHaveBeenCalledOnce();
  });
});

describe('help', () => {
  it('opens over the tab and closes by its button', async () => {
    const close = vi.fn();
    show(helpDialog(close));
    await Promise.resolve();
    expect(find<HTMLDialogElement>('dialog').open).toBe(true);
    expect(text('dl')).toContain('play or pause');
    find('[aria-label=Close]').click();
    expect(close).toHaveBeenCalledOnce();
  });
});
