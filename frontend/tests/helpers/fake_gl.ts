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

/** Names of the program parameters that twgl queries. */
const PARAMETERS: Readonly<Record<number, string>> = {
  35714: 'LINK_STATUS',
  35718: 'ACTIVE_UNIFORMS',
};

/** Types of uniforms by their names in shaders. */
const TYPES: Readonly<Record<string, number>> = {
  bool: 0x8b56,
  float: 0x1406,
  int: 0x1404,
  sampler2D: 0x8b5e,
  uint: 0x1405,
  usampler2D: 0x8dd2,
  vec2: 0x8b50,
  vec3: 0x8b51,
  vec4: 0x8b52,
};

interface Uniform {
  readonly name: string;
  readonly type: number | undefined;
  readonly size: 1;
}

/** Returns the parameters of a program from the declarations of its shaders. */
class Programs {
  readonly #sources = new Map<unknown, string>();
  readonly #uniforms = new Map<unknown, Uniform[]>();

  read(name: string, [owner, value]: readonly unknown[]): unknown {
    if (name === 'shaderSource') this.#sources.set(owner, String(value));
    if (name === 'attachShader') this.#attach(owner, this.#sources.get(value) ?? '');
    if (name === 'getActiveUniform') return this.#uniforms.get(owner)?.[value as number];
    if (/^get(?:UniformIndices|ActiveUniforms|AttachedShaders)$/.test(name)) return [];
    if (name !== 'getProgramParameter') return undefined;
    const parameter = PARAMETERS[value as number];
    if (parameter === 'LINK_STATUS') return true;
    return parameter === 'ACTIVE_UNIFORMS' ? (this.#uniforms.get(owner)?.length ?? 0) : 0;
  }

  #attach(program: unknown, source: string): void {
    const uniforms = this.#uniforms.get(program) ?? [];
    this.#uniforms.set(program, uniforms);
    for (const [, type = '', name = ''] of source.matchAll(/^uniform (\w+) (\w+);/gm)) {
      if (uniforms.some((one) => one.name === name)) continue;
      uniforms.push({ name, type: TYPES[type], size: 1 });
    }
  }
}

export function fakeGl(): FakeGl {
  const calls: Call[] = [];
  const programs = new Programs();
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
          if (name === 'getUniformLocation') return values[1];
          if (name.startsWith('create')) return { kind: name };
          return programs.read(name, values);
        };
      },
    }),
  };
  return fake;
}
