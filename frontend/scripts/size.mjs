// SPDX-License-Identifier: Apache-2.0
// Fails when the built front end outgrows its budget: what the first paint loads, and all of it.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const STATIC = new URL('../../tensorboard_plugin_atlas/static/', import.meta.url);
const FIRST_PAINT_LIMIT = 25_000;
// 60 kB, and 50 kB more for classes and their atlases, shortcuts, search, table, export, panes and layers read
// against each other, selections, pins and film strips, most of which nobody loads before they ask.
const TOTAL_LIMIT = 110_000;

const sources = new Map(
  readdirSync(STATIC)
    .filter((name) => name.endsWith('.js'))
    .sort()
    .map((name) => [name, readFileSync(new URL(name, STATIC), 'utf8')]),
);
const gzipped = (name) => gzipSync(sources.get(name), { level: 9 }).length;

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
const sum = (names) => [...names].reduce((bytes, name) => bytes + gzipped(name), 0);
for (const name of sources.keys()) {
  process.stdout.write(
    `${String(gzipped(name)).padStart(7)}  ${name}${first.has(name) ? '  (first paint)' : ''}\n`,
  );
}
const [firstPaint, total] = [sum(first), sum(sources.keys())];
process.stdout.write(
  `${firstPaint} of ${FIRST_PAINT_LIMIT} bytes gz to the first paint, ${total} of ${TOTAL_LIMIT} in all\n`,
);
if (firstPaint > FIRST_PAINT_LIMIT || total > TOTAL_LIMIT) process.exit(1);
