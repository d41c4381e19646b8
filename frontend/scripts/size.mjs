// SPDX-License-Identifier: Apache-2.0
// Fails when the built front end outgrows its budget: what the first paint loads, and all of it.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const STATIC = new URL('../../tensorboard_plugin_atlas/static/', import.meta.url);
const FIRST_PAINT_LIMIT = 25_000;
/** All that a reader loads who looks at the map, plays it and rests on cells. */
const UNASKED_LIMIT = 60_000;
// And 43 kB more for classes and their atlases, drift, difference, events, shortcuts, search, table, export, panes
// and layers read against each other, selections, pins and film strips, which nobody loads before they ask.
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
const later = [...sources.keys()].find((name) => name.startsWith('chunk-later-'));
const unasked = closure(later, new Set(first));
const loaded = (name) =>
  first.has(name) ? '  (first paint)' : unasked.has(name) ? '  (unasked)' : '';
const sum = (texts) => [...texts].reduce((bytes, text) => bytes + gzipped(text), 0);
for (const [name, text] of [...sources, ...styles]) {
  process.stdout.write(`${String(gzipped(text)).padStart(7)}  ${name}${loaded(name)}\n`);
}
const scripts = (names) => sum([...names].map((name) => sources.get(name)));
const budgets = [
  ['JavaScript to the first paint', scripts(first), FIRST_PAINT_LIMIT],
  ['JavaScript that loads without being asked for', scripts(unasked), UNASKED_LIMIT],
  ['JavaScript in all', scripts(sources.keys()), TOTAL_LIMIT],
  ['style sheets behind it', sum(styles.values()), STYLES_LIMIT],
];
for (const [what, bytes, limit] of budgets) {
  process.stdout.write(`${bytes} of ${limit} bytes gz: ${what}\n`);
}
if (budgets.some(([, bytes, limit]) => bytes > limit)) process.exit(1);
