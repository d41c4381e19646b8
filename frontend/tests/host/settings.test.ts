// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { afterEach, describe, expect, it, vi } from 'vitest';
import { want, wants } from '../../src/host/settings';
import { forcedTheme, THEMES, themeOf } from '../../src/map/theme';

afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  localStorage.clear();
});

describe('settings', () => {
  it('are kept in this browser, one by one', () => {
    expect(wants('page-scroll-first')).toBe(false);
    want('page-scroll-first', true);
    expect(localStorage.getItem('atlas.page-scroll-first')).toBe('on');
    expect([wants('page-scroll-first'), wants('no-letter-keys')]).toEqual([true, false]);
    want('page-scroll-first', false);
    expect(wants('page-scroll-first')).toBe(false);
    expect(localStorage.length).toBe(0);
  });

  it('hold for the page where nothing is kept', () => {
    const refuse = () => {
      throw new DOMException('blocked');
    };
    vi.stubGlobal('localStorage', {
      getItem: refuse,
      setItem: refuse,
      removeItem: refuse,
      clear() {},
    });
    want('no-letter-keys', true);
    expect(wants('no-letter-keys')).toBe(true);
    want('no-letter-keys', false);
    expect(wants('no-letter-keys')).toBe(false);
  });

  it('do not believe what others have written', () => {
    localStorage.setItem('atlas.no-letter-keys', '<b>');
    expect(wants('no-letter-keys')).toBe(false);
  });
});

describe('theme', () => {
  it('is ours unless the system forces colors', () => {
    vi.stubGlobal('matchMedia', () => ({ matches: false }));
    expect(forcedTheme()).toBeNull();
    expect(themeOf({ dark: true, forced: null })).toBe(THEMES.dark);
  });

  it('uses the system colors if they are forced', () => {
    vi.stubGlobal('matchMedia', () => ({ matches: true }));
    // A style that takes every name, as those of browsers do.
    const probe = Object.defineProperty(document.createElement('i'), 'style', {
      value: { color: '' },
    });
    vi.spyOn(document, 'createElement').mockReturnValue(probe);
    const system: Record<string, string> = {
      canvas: 'rgb(0, 1, 2)',
      canvastext: 'rgb(250, 251, 252)',
      graytext: 'rgb(0, 128, 0)',
      highlight: 'rgb(26, 235, 255)',
    };
    vi.stubGlobal('getComputedStyle', ({ style }: HTMLElement) => ({
      color: system[style.color.toLowerCase()],
    }));
    const forced = forcedTheme();
    expect(forced).toMatchObject({
      ground: [0, 1, 2],
      neutralTile: [0, 128, 0],
      accent: system.highlight,
      label: system.canvastext,
      labelGround: system.canvas,
    });
    expect(forced?.gain).not.toBe(forced?.loss);
    expect(themeOf({ dark: false, forced })).toBe(forced);
    expect(document.body.querySelector('i')).toBeNull();
  });
});
