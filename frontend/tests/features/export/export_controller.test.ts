// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NearestSamples } from '../../../src/domain/nearest_samples';
import { ExportController, nameOf } from '../../../src/features/export/export_controller';
import { provenanceParts, wrapParts } from '../../../src/features/export/map_image';
import type { AtlasMap } from '../../../src/map/atlas_map';
import type { Session } from '../../../src/state/session';
import { Store } from '../../../src/state/store';
import { smallAtlas } from '../../helpers/wire_builder';

const atlas = smallAtlas();
let store: Store;
beforeEach(() => {
  store = new Store();
  const run = { id: 'r', run: 'exp/atlas', probe: false, series: [] };
  store.set({ phase: 'ready', run, atlas, step: 7, shownLevel: 2, exporting: true });
});

describe('what stands below the picture', () => {
  it('says where it comes from', () => {
    expect(provenanceParts(store.state, '1.2')).toEqual([
      ...['run exp/atlas', 'layer layer3', 'step 7', '2 × 2 grid', 'TensorBoard Atlas 1.2'],
    ]);
    store.set({ compare: 3, highlight: { ids: [1], name: '\u202eimage 1', event: null } });
    expect(provenanceParts(store.state, '').slice(4, 6)).toEqual([
      'difference of A, step 3, and B, step 7',
      'highlighted: image 1',
    ]);
  });

  it('is wrapped between its parts', () => {
    const width = (text: string) => text.length;
    expect(wrapParts(['ab', 'cd', 'ef'], 7, width)).toEqual(['ab · cd', 'ef']);
    expect(wrapParts(['much too long', 'b'], 4, width)).toEqual(['much too long', 'b']);
    expect(wrapParts([], 4, width)).toEqual([]);
  });
});

it('files have names that are valid on every system', () => {
  const level = atlas.levels[0];
  if (!level) throw new Error('no level');
  expect(nameOf(atlas, level, 'csv')).toBe('atlas-layer3-step7-grid2.csv');
  const manifest = { ...atlas.manifest, layer: '../<img>\u0000'.repeat(100) };
  expect(nameOf({ ...atlas, manifest }, level, 'png')).toMatch(
    /^atlas-[\w.-]{1,60}-step7-grid2.png$/,
  );
});

describe('the menu', () => {
  let root: HTMLElement;
  let map: HTMLElement;
  let part: ExportController;
  const saved: { name: string; blob: Blob }[] = [];
  beforeEach(() => {
    saved.length = 0;
    const host = document.createElement('div');
    document.body.replaceChildren(host);
    root = document.createElement('div');
    map = Object.assign(document.createElement('div'), { viewport: { width: 640, height: 400 } });
    map.tabIndex = 0;
    host.attachShadow({ mode: 'open' }).append(map, root);
    map.focus();
    let last: Blob;
    vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => {
      last = blob as Blob;
      return 'blob:x';
    });
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (
      this: HTMLAnchorElement,
    ) {
      saved.push({ name: this.download, blob: last });
    });
    vi.useFakeTimers();
    part = new ExportController(
      { store } as unknown as Session,
      map as unknown as AtlasMap,
      () => show(),
      new NearestSamples(() => {}),
    );
    store.subscribe(() => show());
    show();
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });
  const show = () => render(part.stage(store.state), root);
  const button = (name: string) =>
    [...root.querySelectorAll('button')].find((one) => one.textContent?.includes(name)) as
      | HTMLButtonElement
      | undefined;
  const text = () => root.textContent?.replace(/\s+/g, ' ') ?? '';

  it('keeps the size that was chosen', () => {
    const radios = [...root.querySelectorAll<HTMLInputElement>('[type=radio]')];
    expect(radios.map(({ checked }) => checked)).toEqual([false, true, false]);
    radios[2]?.dispatchEvent(new Event('change'));
    store.set({ exporting: false });
    store.set({ exporting: true });
    expect(
      [...root.querySelectorAll<HTMLInputElement>('[type=radio]')].map((one) => one.checked),
    ).toEqual([false, false, true]);
  });

  it('saves the cells, and says so', async () => {
    button('CSV')?.click();
    expect(saved.map(({ name }) => name)).toEqual(['atlas-layer3-step7-grid2.csv']);
    expect(await saved[0]?.blob.text()).toContain('"exp/atlas","layer3",7,2,0,0,3,0.5');
    expect(store.state.said).toBe('Saved atlas-layer3-step7-grid2.csv');
    expect(text()).toContain('Saved atlas-layer3');
  });

  it('offers no picture where there is no map, but the cells', () => {
    store.set({ table: true });
    expect(button('PNG')?.disabled).toBe(true);
    expect(text()).toContain('The table is shown, not the map.');
    store.set({ table: false, renderer: 'none' });
    expect(text()).toContain('This browser cannot draw the map.');
    expect(button('CSV')?.disabled).toBe(false);
  });

  it('says so where the browser cannot draw the picture', () => {
    vi.spyOn(HTMLCanvasElement.prototype, 'getContext').mockReturnValue(null);
    button('PNG')?.click();
    expect(saved).toEqual([]);
    expect(text()).toContain('This browser cannot draw the picture.');
  });

  it('copies the link the new way or the old one', async () => {
    const link = root.querySelector<HTMLInputElement>('[type=text]');
    expect(link?.value).toContain('p.atlas.run=exp%2Fatlas');
    const writeText = vi.fn(async (_: string) => {});
    vi.stubGlobal('navigator', { clipboard: { writeText } });
    button('Copy')?.click();
    await vi.waitFor(() => expect(text()).toContain('Link copied'));
    expect(writeText).toHaveBeenCalledWith(link?.value);
    const execCommand = vi.fn(() => false);
    Object.assign(document, { execCommand });
    vi.stubGlobal('navigator', {});
    button('Copy')?.click();
    await vi.waitFor(() => expect(text()).toContain('blocked the copy'));
    expect(execCommand).toHaveBeenCalledWith('copy');
  });

  it('Escape closes it and returns the focus', () => {
    button('CSV')?.focus();
    button('CSV')?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', bubbles: true }));
    expect(store.state.exporting).toBe(false);
    expect((map.getRootNode() as ShadowRoot).activeElement).toBe(map);
  });
});
