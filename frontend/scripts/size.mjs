// SPDX-License-Identifier: Apache-2.0
// Fails when all JavaScript and CSS of the built front end, gzipped, exceeds one limit.
import { readdirSync, readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

const STATIC = new URL('../../tensorboard_plugin_atlas/static/', import.meta.url);
const LIMIT = 150_000;

let total = 0;
for (const name of readdirSync(STATIC).sort()) {
  if (!/\.(?:js|css)$/.test(name)) continue;
  const bytes = gzipSync(readFileSync(new URL(name, STATIC)), { level: 9 }).length;
  total += bytes;
  process.stdout.write(`${String(bytes).padStart(7)}  ${name}\n`);
}
process.stdout.write(`${total} of ${LIMIT} bytes gzipped: all JavaScript and CSS\n`);
if (total > LIMIT) process.exit(1);
