// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { render } from 'lit';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { minimap, visiblePart } from '../../src/app/minimap';
import { FIT } from '../../src/domain/camera';
import type { AtlasMap } from '../../src/map/atlas_map';
import { Store } from '../../src/state/store';
import { smallAtlas } from '../helpers/wire_builder';

/** The map is 400 pixels across at zoom 1. */
const viewport = { width: 800, height: 440 };

describe('visiblePart', () => {
  it('is the whole map when all of it is in view', () => {
    expect(visiblePart(FIT, viewport)).toEqual({ from: { x: 0, y: 0 }, to: { x: 1, y: 1 } });
  });

  it('is what the viewport cuts out, and never beyond the map', () => {
    const { from, to } = visiblePart({ x: 0.25, y: 0.5, z: 4 }, viewport);
    // 1600 pixels across: 800 see half of it, 440 a little over a quarter.
    expect(from).toEqual({ x: 0, y: 0.3625 });
    expect(to).toEqual({ x: 0.5, y: 0.6375 });
  });
});

describe('minimap', () => {
  let root: HTMLElement;
  const moveTo = vi.fn();
  const map = { viewport, moveTo } as unknown as AtlasMap;
  beforeEach(() => {
    root = document.createElement('div');
    document.body.replaceChildren(root);
    moveTo.mockClear();
  });

  function show(z: number, shown = map): HTMLElement | null {
    const store = new Store();
    store.set({ atlas: smallAtlas(), camera: { ...FIT, z } });
    render(minimap(store.state, shown), root);
    return root.querySelector('atlas-minimap');
  }

  it('appears once the camera has come near, where there is room', () => {
    expect(show(1)).toBeNull();
    expect(show(2)).not.toBeNull();
    const narrow = { ...map, viewport: { width: 500, height: 440 } } as unknown as AtlasMap;
    expect(show(2, narrow)).toBeNull();
  });

  it('moves the view to the clicked position, at the same zoom', () => {
    const element = show(2) as HTMLElement;
    element.getBoundingClientRect = () =>
      ({ left: 100, top: 200, width: 50, height: 50 }) as DOMRect;
    const send = (type: string, buttons: number) =>
      element.dispatchEvent(new PointerEvent(type, { clientX: 125, clientY: 210, buttons }));
    send('pointermove', 0);
    expect(moveTo).not.toHaveBeenCalled();
    send('pointerdown', 1);
    expect(moveTo).toHaveBeenCalledWith({ x: 0.5, y: 0.2, z: 2 });
  });
});
