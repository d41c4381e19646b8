// SPDX-License-Identifier: Apache-2.0
// Writes src/wire/generated/*.ts from the JSON Schema of the wire format: limits, arrays, types, and
// a validator for each type. The schema is written by `python -m tensorboard_plugin_atlas.wire.json_schema`.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SCHEMA = new URL('../../tensorboard_plugin_atlas/wire/schema.json', import.meta.url);
const OUTPUT = new URL('../src/wire/generated/', import.meta.url);
const HEADER = `// SPDX-License-Identifier: Apache-2.0
// Written by scripts/generate.mjs from tensorboard_plugin_atlas/wire/schema.json. Do not edit.
`;

const schema = JSON.parse(readFileSync(SCHEMA, 'utf8'));
const types = Object.entries(schema.$defs);

/** Splits `anyOf: [X, null]` into X and whether null is allowed. */
function splitNull(type) {
  if (!type.anyOf) return [type, false];
  const [plain, ...rest] = type.anyOf.filter((one) => one.type !== 'null');
  if (rest.length > 0) throw new Error(`union of several types: ${JSON.stringify(type)}`);
  return [plain, type.anyOf.length > 1];
}

/** Types that other types hold: their validators are not exported. */
const inner = new Set(JSON.stringify(schema.$defs).match(/(?<=#\/\$defs\/)\w+/g));
const refName = ({ $ref }) => $ref.split('/').at(-1);
/** Whole numbers beyond 2 ** 53 as powers, others as they are. */
function literal(value) {
  const power = Math.log2(Math.abs(value));
  if (Math.abs(value) <= Number.MAX_SAFE_INTEGER || !Number.isInteger(power)) return String(value);
  return value < 0 ? `-(2 ** ${power})` : `2 ** ${power}`;
}

function typeOf(type) {
  const [plain, isNullable] = splitNull(type);
  return plainType(plain) + (isNullable ? ' | null' : '');
}

function plainType(type) {
  if (type.$ref) return refName(type);
  if (type.enum) return type.enum.map((one) => JSON.stringify(one)).join(' | ');
  if (type.type === 'integer' || type.type === 'number') return 'number';
  if (type.type === 'string' || type.type === 'boolean') return type.type;
  if (type.prefixItems) return `readonly [${type.prefixItems.map(typeOf).join(', ')}]`;
  if (type.type === 'array') return `readonly ${bracket(typeOf(type.items))}[]`;
  if (type.type === 'object') return 'Readonly<Record<string, unknown>>';
  throw new Error(`no TypeScript for ${JSON.stringify(type)}`);
}

const bracket = (text) => (text.includes(' ') ? `(${text})` : text);

function writeTypes() {
  const lines = types.map(([name, { description, properties }]) => {
    const fields = Object.entries(properties).map(([key, type]) => {
      return `  /** ${type.description} */\n  readonly ${key}: ${typeOf(type)};`;
    });
    return `/** ${description} */\nexport interface ${name} {\n${fields.join('\n')}\n}\n`;
  });
  return `/** Types of the JSON that the plugin sends. */\n\n${lines.join('\n')}`;
}

const used = new Set();

function call(check, ...args) {
  used.add(check);
  return `${check}(${args.join(', ')})`;
}

/** Returns the check of a type as an expression. */
function checkOf(type) {
  const [plain, isNullable] = splitNull(type);
  return isNullable ? call('nullable', plainCheck(plain)) : plainCheck(plain);
}

function plainCheck(type) {
  if (type.$ref) return checkName(refName(type));
  if (type.enum) return call('choice', ...type.enum.map((one) => JSON.stringify(one)));
  if (type.type === 'integer') return call('integer', literal(type.minimum), literal(type.maximum));
  if (type.type === 'number') return call('number', ...boundsOf(type));
  if (type.type === 'string') return call('text', ...(type.maxLength ? [type.maxLength] : []));
  if (type.type === 'array') {
    const item = type.prefixItems?.[0] ?? type.items;
    const least = type.minItems ? [type.minItems] : [];
    const most = type.maxItems === undefined ? [] : [type.maxItems, ...least];
    return call('list', checkOf(item), ...most);
  }
  const name = type.type === 'boolean' ? 'flag' : 'mapping';
  used.add(name);
  return name;
}

/** Bounds of a number; those of a finite number are left out. */
function boundsOf({ minimum, maximum }) {
  const isFree = (bound) => Math.abs(bound) > 1e300;
  if (isFree(minimum)) return [];
  return isFree(maximum) ? [literal(minimum)] : [literal(minimum), literal(maximum)];
}

const checkName = (name) => name[0].toLowerCase() + name.slice(1);

/** Types in an order in which each comes after those that it holds. */
function sortTypes() {
  const sorted = new Map();
  const add = (name) => {
    if (sorted.has(name)) return;
    const text = JSON.stringify(schema.$defs[name].properties);
    for (const found of text.match(/(?<=#\/\$defs\/)\w+/g) ?? []) add(found);
    sorted.set(name, schema.$defs[name]);
  };
  for (const [name] of types) add(name);
  return [...sorted];
}

function writeValidators() {
  const checks = sortTypes().map(([name, { properties, required }]) => {
    const fields = Object.entries(properties).map(([key, type]) => {
      const check = checkOf(type);
      if (!required.includes(key)) throw new Error(`${name}.${key} is optional`);
      return `  ${key}: ${check},`;
    });
    used.add('object');
    return `const ${checkName(name)} = object<${name}>({\n${fields.join('\n')}\n});\n`;
  });
  const validators = types
    .filter(([name]) => !inner.has(name))
    .map(
      ([name]) => `/** Throws \`WireError\` unless \`value\` is a valid ${name}. */
export function check${name}(value: unknown, where: string): asserts value is ${name} {
  ${checkName(name)}(value, where);
}
`,
    );
  return `/** Validators of the JSON that the plugin sends. */

import { ${[...used].sort().join(', ')} } from '../json_checks';
import type { ${types.map(([name]) => name).join(', ')} } from './types';

${checks.join('\n')}
${validators.join('\n')}`;
}

function writeLimits() {
  const limits = Object.entries(schema['x-limits']).map(
    ([name, value]) => `export const ${name} = ${literal(value)};`,
  );
  const kinds = JSON.stringify(schema['x-icon-kinds']);
  return `/** Limits of the wire format. */

export const WIRE_VERSION = ${schema['x-wire-version']};
/** Kinds of icons by code. */
export const ICON_KINDS = ${kinds} as const;
${limits.join('\n')}
`;
}

function writeArrays() {
  const { map, grid, attribution, activations, probe } = schema['x-arrays'];
  const keep = (key, value) => (key === 'optional' && !value ? undefined : value);
  const table = (name, text, value) =>
    `/** ${text} */\nexport const ${name} = ${JSON.stringify(value, keep)} as const;\n`;
  return `/** Arrays of the safetensors blobs: element type and shape. N samples, C channels, M cells, K classes. */

${table('MAP_ARRAYS', 'Arrays of blob "map" that belong to the samples.', map)}
${table('GRID_ARRAYS', 'Arrays of blob "map" that belong to one grid, named `grid<size>.<name>`.', grid)}
${table('ATTRIBUTION_ARRAYS', 'Arrays of blob "map" that hold the attribution of one grid.', attribution)}
${table('ACTIVATION_ARRAYS', 'Arrays of blob "activations" by the kind of stored form.', activations)}
${table('PROBE_ARRAYS', 'Arrays of blob "probe".', probe)}`;
}

mkdirSync(OUTPUT, { recursive: true });
const files = {
  'arrays.ts': writeArrays(),
  'limits.ts': writeLimits(),
  'types.ts': writeTypes(),
  'validators.ts': writeValidators(),
};
for (const [name, text] of Object.entries(files)) {
  writeFileSync(new URL(name, OUTPUT), `${HEADER}${text}`);
}
const folder = fileURLToPath(OUTPUT);
execFileSync('npx', ['biome', 'check', '--write', '--error-on-warnings', folder], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  stdio: ['ignore', 'ignore', 'inherit'],
});
process.stdout.write(`src/wire/generated: ${Object.keys(files).length} files\n`);
