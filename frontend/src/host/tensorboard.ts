// SPDX-License-Identifier: Apache-2.0
/**
 * The only file that depends on TensorBoard's page: its hash, its dark mode and its reload message.
 *
 * We run in a same-origin frame of it, but may be opened alone or under a proxy that keeps the parent
 * from us; everything here then falls back to our own window.
 */

import { type HashValues, readHash, writeHash } from './url_hash';

const WRITE_DELAY_MS = 250;
const DARK_CLASS = 'dark-mode';
const RELOADED = 'experimental.DataReloaded';
const BOOTSTRAP = 'experimental.bootstrap';

let isAlone = false;

/** From now on the page is our own window, even in a frame of another page. */
export function useOwnWindow(): void {
  isAlone = true;
}

/** TensorBoard's window, or our own where it cannot be read. */
function outerWindow(): Window {
  try {
    if (!isAlone && window.parent.document.body && window.parent.location.hash !== undefined) {
      return window.parent;
    }
  } catch {
    // The parent has another origin.
  }
  return window;
}

/** Path, query and hash of the page that the user sees with `values` in its hash; the origin is ours, too. */
function addressOf(values: HashValues, { location } = outerWindow()): string {
  const { pathname, search, hash } = location;
  // While another tab is open the hash is that tab's; our keys would ride along, but never lead.
  const old = location !== window.location && hash === '' ? '#atlas' : hash;
  return pathname + search + writeHash(old, values);
}

/** The whole address with `values` in its hash; without an origin where the page has none. */
export function hrefOf(values: HashValues): string {
  const address = addressOf(values);
  try {
    return new URL(address, outerWindow().location.href).href;
  } catch {
    return address; // a frame with `srcdoc`
  }
}

/** State in the address of the page that the user sees. */
export class Address {
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #window = outerWindow();

  read(): HashValues {
    return readHash(this.#window.location.hash);
  }

  /** Calls `changed` when the URL changes from outside: a pasted link, or the back button. */
  watch(changed: (values: HashValues) => void): void {
    this.#window.addEventListener('hashchange', () => changed(this.read()));
  }

  /** Writes `values` once they have rested; a newer call replaces an older one. */
  write(values: HashValues): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#replace(values), WRITE_DELAY_MS);
  }

  #replace(values: HashValues): void {
    const { location, history } = this.#window;
    const next = addressOf(values, this.#window);
    if (next === location.pathname + location.search + location.hash) return;
    try {
      // A bare hash would be taken relative to the entry page's <base>, where there is no page.
      history.replaceState(history.state, '', next);
    } catch {
      // Browsers limit how often history may change; the next change writes again.
    }
  }
}

/**
 * Calls `changed` with whether the page is dark: now, and whenever that or the forced colors of the system
 * change. Forced colors take precedence.
 */
export function watchDarkMode(changed: (dark: boolean) => void): void {
  const { document: page } = outerWindow();
  const [dark, forced] = ['(prefers-color-scheme: dark)', '(forced-colors: active)'].map(
    (query) => {
      const list = matchMedia(query);
      list.addEventListener('change', () => report());
      return list;
    },
  ) as [MediaQueryList, MediaQueryList];
  const ours = page === document;
  const report = () =>
    changed(ours || forced.matches ? dark.matches : page.body.classList.contains(DARK_CLASS));
  const attributes = { attributes: true, attributeFilter: ['class'] };
  if (!ours) new MutationObserver(report).observe(page.body, attributes);
  report();
}

/** Calls `reloaded` whenever TensorBoard has read its log directory again. */
export function watchReloads(reloaded: () => void): void {
  const channel = new MessageChannel();
  channel.port1.onmessage = (event: MessageEvent<unknown>) => {
    const message = parseMessage(event.data);
    if (message === null) return;
    if (!message.isReply) {
      const reply = { ...message, payload: null, error: null, isReply: true };
      channel.port1.postMessage(JSON.stringify(reply));
    }
    if (message.type === RELOADED) reloaded();
  };
  try {
    window.parent.postMessage(BOOTSTRAP, '*', [channel.port2]);
  } catch {
    channel.port1.close();
  }
}

interface HostMessage {
  readonly type: string;
  readonly id: number;
  readonly isReply: boolean;
}

function parseMessage(data: unknown): HostMessage | null {
  try {
    const message: unknown = JSON.parse(String(data));
    if (typeof message !== 'object' || message === null) return null;
    const { type, id, isReply } = message as Record<string, unknown>;
    if (typeof type !== 'string' || typeof id !== 'number') return null;
    return { type, id, isReply: isReply === true };
  } catch {
    return null;
  }
}
