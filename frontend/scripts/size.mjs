// SPDX-License-Identifier: Apache-2.0
// Fails when the built front end outgrows its budget: what the first paint loads, and all of it.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const STATIC = new URL('../../tensorboard_plugin_atlas/static/', import.meta.url);
const FIRST_PAINT_LIMIT = 25_000;
// 60 kB, and 43 kB more for classes and their atlases, shortcuts, search, table, export, panes and layers read
// against each other, selections, pins and film strips, most of which nobody loads before they ask.
const TOTAL_LIMIT = 103_000;
const STYLES_LIMIT = 8_000;

const built = (suffix) =>
  new Map(
    readdirSync(STATIC)
      .filter((name) => name.endsWith(suffix))
      .sort()
      .map((name) => [name, readFileSync(new URL(name, STATIC), 'utf8')]),
  );
const [sources, styles] = [built('.js'), built('.css')];
const gzipped = (text) => gzipSync(text, { level: 9 }).length;

/** Names of `entry` and of every chunk that it imports statically. */
function closure(entry, seen = new Set()) {
  if (seen.has(entry)) return seen;
  seen.add(entry);
  for (const [, name] of sources.get(entry).matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g)) {
    closure(name, seen);
  }
  return seen;
}

const first = closure('index.js');
const sum = (texts) => [...texts].reduce((bytes, text) => bytes + gzipped(text), 0);
for (const [name, text] of [...sources, ...styles]) {
  process.stdout.write(
    `${String(gzipped(text)).padStart(7)}  ${name}${first.has(name) ? '  (first paint)' : ''}\n`,
  );
}
const budgets = [
  [
    'JavaScript to the first paint',
    sum([...first].map((name) => sources.get(name))),
    FIRST_PAINT_LIMIT,
  ],
  ['JavaScript in all', sum(sources.values()), TOTAL_LIMIT],
  ['style sheets behind it', sum(styles.values()), STYLES_LIMIT],
];
for (const [what, bytes, limit] of budgets) {
  process.stdout.write(`${bytes} of ${limit} bytes gz: ${what}\n`);
}
if (budgets.some(([, bytes, limit]) => bytes > limit)) process.exit(1);
