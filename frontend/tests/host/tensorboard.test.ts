// SPDX-License-Identifier: Apache-2.0
// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Address, watchDarkMode, watchReloads } from '../../src/host/tensorboard';

/** TensorBoard's page around ours. */
function frame(hash: string) {
  const body = document.createElement('body');
  const location = { pathname: '/lab/', search: '?darkMode=true', hash };
  const posted: unknown[][] = [];
  const outer = {
    document: { body },
    location,
    history: {
      state: null,
      replaceState: vi.fn((_state: unknown, _title: string, next: string) => {
        location.hash = next.slice(next.indexOf('#'));
      }),
    },
    addEventListener: vi.fn(),
    postMessage: (...message: unknown[]) => posted.push(message),
  };
  vi.spyOn(window, 'parent', 'get').mockReturnValue(outer as unknown as Window & typeof globalThis);
  return { ...outer, posted };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe('Address', () => {
  it("reads and writes TensorBoard's hash", () => {
    const { location } = frame('#atlas&p.atlas.step=4&x=y');
    const address = new Address();
    expect(address.read()).toEqual({ step: '4' });
    address.write({ step: '5' });
    vi.advanceTimersByTime(250);
    expect(location.hash).toBe('#atlas&x=y&p.atlas.step=5');
  });

  it('writes only what has rested', () => {
    const { history, location } = frame('#atlas');
    const address = new Address();
    for (const step of ['1', '2', '3']) {
      address.write({ step });
      vi.advanceTimersByTime(100);
    }
    vi.advanceTimersByTime(250);
    const next = '/lab/?darkMode=true#atlas&p.atlas.step=3';
    expect(history.replaceState).toHaveBeenCalledExactlyOnceWith(null, '', next);
    expect(location.hash).toBe('#atlas&p.atlas.step=3');
  });

  it('writes nothing when nothing has changed', () => {
    const { history } = frame('#atlas&p.atlas.step=3');
    new Address().write({ step: '3' });
    vi.advanceTimersByTime(250);
    expect(history.replaceState).not.toHaveBeenCalled();
  });

  it('names our tab where the hash is empty', () => {
    const { location } = frame('');
    new Address().write({ step: '3' });
    vi.advanceTimersByTime(250);
    expect(location.hash).toBe('#atlas&p.atlas.step=3');
  });

  it('reports links that change from outside', () => {
    const { location, addEventListener } = frame('#atlas');
    const heard: unknown[] = [];
    new Address().watch((values) => heard.push(values));
    const [type, listener] = addEventListener.mock.calls[0] as [string, () => void];
    location.hash = '#atlas&p.atlas.step=8';
    listener();
    expect(type).toBe('hashchange');
    expect(heard).toEqual([{ step: '8' }]);
  });

  it('survives a browser that limits changes of history', () => {
    const { history } = frame('#atlas');
    history.replaceState.mockImplementation(() => {
      throw new DOMException('too many', 'SecurityError');
    });
    new Address().write({ step: '3' });
    expect(() => vi.advanceTimersByTime(250)).not.toThrow();
  });

  it('falls back to our own address where the parent is closed to us', () => {
    vi.spyOn(window, 'parent', 'get').mockImplementation(() => {
      throw new DOMException('cross-origin', 'SecurityError');
    });
    window.location.hash = '#p.atlas.step=9';
    expect(new Address().read()).toEqual({ step: '9' });
  });
});

describe('dark mode', () => {
  it('follows the class on the body of TensorBoard', async () => {
    vi.useRealTimers();
    const { document: outer } = frame('#atlas');
    const heard: boolean[] = [];
    watchDarkMode((dark) => heard.push(dark));
    outer.body.classList.add('dark-mode');
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(heard).toEqual([false, true]);
  });

  it('goes by the system alone where that forces colors', () => {
    const { document: outer } = frame('#atlas');
    outer.body.classList.add('dark-mode');
    const heard: boolean[] = [];
    const changes: (() => void)[] = [];
    const responses: Record<string, boolean> = { forced: true, dark: false };
    vi.stubGlobal('matchMedia', (query: string) => ({
      get matches() {
        return responses[query.includes('forced') ? 'forced' : 'dark'];
      },
      addEventListener: (_: string, changed: () => void) => changes.push(changed),
    }));
    watchDarkMode((dark) => heard.push(dark));
    responses.forced = false;
    for (const changed of changes) changed();
    vi.unstubAllGlobals();
    expect(heard).toEqual([false, true, true]);
  });
});

describe('reloads', () => {
  it('sends TensorBoard a port, responds on it, and receives reloads', async () => {
    vi.useRealTimers();
    const { posted } = frame('#atlas');
    const reloaded = vi.fn();
    watchReloads(reloaded);
    const [message, , ports] = posted[0] as [string, string, MessagePort[]];
    expect(message).toBe('experimental.bootstrap');
    const port = ports[0] as MessagePort;
    const responses: unknown[] = [];
    port.onmessage = (event) => responses.push(JSON.parse(String(event.data)));
    port.postMessage('not JSON');
    port.postMessage(JSON.stringify({ type: 'experimental.RunsChanged', id: 4, payload: [] }));
    port.postMessage(JSON.stringify({ type: 'experimental.DataReloaded', id: 5, payload: null }));
    await vi.waitFor(() => expect(responses).toHaveLength(2));
    expect(responses[1]).toMatchObject({ id: 5, isReply: true, error: null });
    expect(reloaded).toHaveBeenCalledOnce();
    port.close();
  });
});
