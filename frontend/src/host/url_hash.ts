// SPDX-License-Identifier: Apache-2.0
/**
 * Our keys in TensorBoard's hash: `#atlas&p.atlas.run=…&p.atlas.step=…`.
 *
 * TensorBoard removes a token with a second "=" and takes one without "=" for the tab's name, so values
 * are always percent-encoded. Tokens of others are kept.
 */

const PREFIX = 'p.atlas.';
const MAX_VALUE = 1000;

export type HashValues = Readonly<Record<string, string>>;

export function readHash(hash: string): HashValues {
  const values: Record<string, string> = {};
  for (const token of tokens(hash)) {
    const equals = token.indexOf('=');
    if (!token.startsWith(PREFIX) || equals < 0) continue;
    try {
      values[token.slice(PREFIX.length, equals)] = decodeURIComponent(token.slice(equals + 1));
    } catch {
      // A value cut short by hand is no value.
    }
  }
  return values;
}

/** The hash with our keys replaced by `values`; empty and overlong values are left out. */
export function writeHash(hash: string, values: HashValues): string {
  const kept = tokens(hash).filter((token) => !token.startsWith(PREFIX));
  const ours = Object.entries(values)
    .filter(([, value]) => value !== '' && value.length <= MAX_VALUE)
    .map(([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value)}`);
  return `#${[...kept, ...ours].join('&')}`;
}

function tokens(hash: string): string[] {
  return hash.replace(/^#/, '').split('&').filter(Boolean);
}
