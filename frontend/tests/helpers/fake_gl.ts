// SPDX-License-Identifier: Apache-2.0
/** A WebGL2 context that draws nothing and remembers every call. Constants stand for themselves. */

interface Call {
  readonly name: string;
  readonly values: readonly unknown[];
}

export interface FakeGl {
  readonly gl: WebGL2RenderingContext;
  readonly calls: Call[];
  /** Arguments of every call of one function. */
  of(name: string): readonly (readonly unknown[])[];
  lost: boolean;
}

export function fakeGl(): FakeGl {
  const calls: Call[] = [];
  const fake: FakeGl = {
    calls,
    lost: false,
    of: (name) => calls.filter((call) => call.name === name).map(({ values }) => values),
    gl: new Proxy({} as WebGL2RenderingContext, {
      get(_target, property) {
        const name = String(property);
        if (name === 'drawingBufferWidth') return 800;
        if (name === 'drawingBufferHeight') return 440;
        if (/^[A-Z0-9_]+$/.test(name)) return name;
        return (...values: unknown[]) => {
          calls.push({ name, values });
          if (name === 'isContextLost') return fake.lost;
          if (name === 'getProgramParameter') return true;
          if (name === 'getUniformLocation') return values[1];
          if (name.startsWith('create')) return { kind: name };
          return undefined;
        };
      },
    }),
  };
  return fake;
}
