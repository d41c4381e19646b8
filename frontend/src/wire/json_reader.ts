// SPDX-License-Identifier: Apache-2.0
/** Reads JSON of unknown shape: everything that a log says is checked before anything believes it. */

/** Stored data that disagrees with the wire's rules; the message is shown to the reader. */
export class WireError extends Error {
  override name = 'WireError';
}

/** One JSON object, read field by field; every reader throws `WireError` naming the field. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #where: string;

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new WireError(`${where} is not an object`);
    }
    this.#values = value as Record<string, unknown>;
    this.#where = where;
  }

  /** The raw value of an own field. */
  raw(key: string): unknown {
    return Object.hasOwn(this.#values, key) ? this.#values[key] : undefined;
  }

  keys(): string[] {
    return Object.keys(this.#values);
  }

  text(key: string): string {
    const value = this.raw(key);
    if (typeof value !== 'string') throw this.#wrong(key, 'text');
    return value;
  }

  flag(key: string): boolean {
    const value = this.raw(key);
    if (typeof value !== 'boolean') throw this.#wrong(key, 'true or false');
    return value;
  }

  whole(key: string, low: number, high: number): number {
    const value = this.raw(key);
    if (!Number.isSafeInteger(value) || (value as number) < low || (value as number) > high) {
      throw this.#wrong(key, `a whole number from ${low} to ${high}`);
    }
    return value as number;
  }

  wholeOrNull(key: string, low: number, high: number): number | null {
    return this.raw(key) == null ? null : this.whole(key, low, high);
  }

  number(key: string): number {
    const value = this.raw(key);
    if (typeof value !== 'number' || !Number.isFinite(value)) throw this.#wrong(key, 'a number');
    return value;
  }

  numberOrNull(key: string): number | null {
    return this.raw(key) == null ? null : this.number(key);
  }

  list<T>(key: string, limit: number, read: (item: unknown, where: string) => T): T[] {
    const value = this.raw(key);
    if (!Array.isArray(value)) throw this.#wrong(key, 'a list');
    if (value.length > limit) throw this.#wrong(key, `a list of at most ${limit}`);
    return value.map((item, i) => read(item, `${this.#where}.${key}[${i}]`));
  }

  listOrNull<T>(key: string, limit: number, read: (item: unknown, where: string) => T): T[] | null {
    return this.raw(key) == null ? null : this.list(key, limit, read);
  }

  object(key: string): Fields {
    return new Fields(this.raw(key), `${this.#where}.${key}`);
  }

  #wrong(key: string, wanted: string): WireError {
    return new WireError(`${this.#where}.${key} is not ${wanted}`);
  }
}

/** Reads one item of a list as text. */
export function asText(item: unknown, where: string): string {
  if (typeof item !== 'string') throw new WireError(`${where} is not text`);
  return item;
}

/** Reads one item of a list as a finite number. */
export function asNumber(item: unknown, where: string): number {
  if (typeof item !== 'number' || !Number.isFinite(item)) {
    throw new WireError(`${where} is not a number`);
  }
  return item;
}
