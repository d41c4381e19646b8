// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
/** The tab in an exported page: its own window counts, even in a frame of another page. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetModules(); // the choice of a window is made once for each page
  window.location.hash = '';
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

/** A page of the same origin around ours. */
function frame() {
  const body = document.createElement('body');
  body.classList.add('dark-mode');
  const outer = {
    document: { body },
    location: {
      pathname: '/blog/',
      search: '',
      hash: '#chapter',
      href: 'https://blog.org/blog/#chapter',
    },
    history: { state: null, replaceState: vi.fn() },
    addEventListener: vi.fn(),
  };
  vi.spyOn(window, 'parent', 'get').mockReturnValue(outer as unknown as Window & typeof globalThis);
  return outer;
}

async function load(alone: boolean) {
  const host = await import('../../src/host/tensorboard');
  if (alone) host.useOwnWindow();
  return host;
}

describe('useOwnWindow', () => {
  it('reads and writes the hash of our own window only', async () => {
    const outer = frame();
    window.location.hash = '#p.atlas.step=9';
    const { Address } = await load(true);
    const address = new Address();
    expect(address.read()).toEqual({ step: '9' });
    const replaced = vi.spyOn(window.history, 'replaceState');
    address.write({ step: '10' });
    vi.advanceTimersByTime(250);
    expect(replaced.mock.calls[0]?.[2]).toMatch(/#p\.atlas\.step=10$/);
    expect(outer.history.replaceState).not.toHaveBeenCalled();
    expect(outer.location.hash).toBe('#chapter');
  });

  it('is not the default', async () => {
    const outer = frame();
    const { Address } = await load(false);
    new Address().write({ step: '10' });
    vi.advanceTimersByTime(250);
    expect(outer.history.replaceState).toHaveBeenCalledOnce();
  });

  it('follows the color scheme of the system and not the page around it', async () => {
    frame();
    vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener: () => {} }));
    const heard: boolean[] = [];
    (await load(true)).watchDarkMode((dark) => heard.push(dark));
    expect(heard).toEqual([false]);
    (await load(true)).watchDarkMode((dark) => heard.push(dark));
    expect(heard).toEqual([false, false]);
  });
});

describe('hrefOf', () => {
  it('is the address of the page that the user sees', async () => {
    frame();
    expect((await load(false)).hrefOf({ step: '4' })).toBe(
      'https://blog.org/blog/#chapter&p.atlas.step=4',
    );
    vi.resetModules();
    const own = (await load(true)).hrefOf({ step: '4' });
    expect(own).toBe(new URL('#p.atlas.step=4', window.location.href).href);
  });

  it('has no origin where the page has none', async () => {
    const place = { pathname: 'srcdoc', search: '', hash: '', href: 'about:srcdoc' };
    const { hrefOf } = await load(true);
    // As browsers do for this base; Node resolves it.
    const refuse = vi.fn(() => {
      throw new TypeError('Invalid URL');
    });
    vi.stubGlobal('URL', refuse);
    vi.spyOn(window, 'location', 'get').mockReturnValue(place as unknown as Location);
    expect(hrefOf({ step: '4' })).toBe('srcdoc#p.atlas.step=4');
    expect(refuse).toHaveBeenCalledExactlyOnceWith('srcdoc#p.atlas.step=4', 'about:srcdoc');
  });
});
