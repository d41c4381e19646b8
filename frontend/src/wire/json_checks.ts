// SPDX-License-Identifier: Apache-2.0
/** Checks of untrusted JSON values, which the generated validators use. */

/** Data that breaks a rule of the wire format. The message is shown to the user. */
export class WireError extends Error {
  override name = 'WireError';
}

type Key = string | number;

/** Throws `WireError` unless a value, which is at `key` of `where`, is valid. */
export type Check = (value: unknown, where: string, key?: Key) => void;

/** The path of a field for messages, such as `manifest.grids[0].size`. */
function pathOf(where: string, key: Key | undefined): string {
  if (key === undefined) return where;
  return typeof key === 'number' ? `${where}[${key}]` : `${where}.${key}`;
}

function fail(where: string, key: Key | undefined, wanted: string): never {
  throw new WireError(`${pathOf(where, key)} is not ${wanted}`);
}

/** Returns an object, to read its fields by name. */
export function checkObject(value: unknown, where: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError(`${where} is not an object`);
  }
  return value as Record<string, unknown>;
}

export function integer(low: number, high: number): Check {
  return (value, where, key) => {
    if (!Number.isInteger(value) || (value as number) < low || (value as number) > high) {
      fail(where, key, `a whole number from ${low} to ${high}`);
    }
  };
}

/** A finite number. */
export function number(low = -Infinity, high = Infinity): Check {
  return (value, where, key) => {
    if (!Number.isFinite(value) || (value as number) < low || (value as number) > high) {
      fail(where, key, Number.isFinite(low) ? `a number from ${low} to ${high}` : 'a number');
    }
  };
}

/** Text of at most `most` code points, as Python counts characters. */
export function text(most = Infinity): Check {
  return (value, where, key) => {
    if (typeof value !== 'string') fail(where, key, 'text');
    if (value.length > 2 * most || (value.length > most && [...value].length > most)) {
      fail(where, key, `text of at most ${most} characters`);
    }
  };
}

/** One of some values. */
export function choice(...choices: unknown[]): Check {
  return (value, where, key) => {
    if (!choices.includes(value)) fail(where, key, `one of ${choices.join(', ')}`);
  };
}

/** A list whose items pass `check`; its length is checked first. */
export function list(check: Check, most = Infinity, least = 0): Check {
  return (value, where, key) => {
    if (!Array.isArray(value)) fail(where, key, 'a list');
    if (value.length < least || value.length > most) {
      fail(where, key, least === most ? `a list of ${most}` : `a list of at most ${most}`);
    }
    const at = pathOf(where, key);
    for (let i = 0; i < value.length; i++) check(value[i], at, i);
  };
}

export function nullable(check: Check): Check {
  return (value, where, key) => {
    if (value !== null) check(value, where, key);
  };
}

/** An object with a check for each field of `T`; other fields are ignored. */
export function object<T>(fields: { readonly [Name in keyof T]-?: Check }): Check {
  const checks = Object.entries<Check>(fields);
  return (value, where, key) => {
    const at = pathOf(where, key);
    const found = checkObject(value, at);
    for (const [name, check] of checks) check(found[name], at, name);
  };
}

/** An object with any fields. */
export const mapping = object({});

export const flag = choice(true, false);
