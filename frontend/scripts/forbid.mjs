// SPDX-License-Identifier: Apache-2.0
// Names in a log are untrusted text, and the tab shares TensorBoard's origin: nothing here may turn
// text into markup or code, nor reach beyond relative addresses.
import { readdirSync, readFileSync } from 'node:fs';

const SOURCES = new URL('../src/', import.meta.url);
const MAX_LINES = 500;
const MAX_FILES = 25;
const FORBIDDEN_IN_STYLES = [
  [/\burl\(|@import "(?!\.{1,2}\/)/, 'a style sheet that reaches out of ours'],
];
const FORBIDDEN = [
  [/\b(?:inner|outer)HTML\b|insertAdjacentHTML|document\.write/, 'markup made from text'],
  [/\bunsafe(?:HTML|SVG|Static)\b|unsafe-html/, 'a Lit directive that trusts text'],
  [/\beval\(|new Function\b/, 'code made from text'],
  // The name of SVG's elements only looks like an address.
  [/https?:\/\/(?!www\.w3\.org\/2000\/svg')/, 'an absolute address'],
  [/new (?:Shared)?Worker\(/, 'a worker (only files of our own origin would be allowed)'],
];

let faults = 0;
for (const name of readdirSync(SOURCES, { recursive: true }).sort()) {
  if (!/\.(?:ts|css)$/.test(name)) continue;
  const forbidden = name.endsWith('.css') ? FORBIDDEN_IN_STYLES : FORBIDDEN;
  const lines = readFileSync(new URL(name, SOURCES), 'utf8').split('\n');
  const report = (line, reason) => {
    faults += 1;
    process.stderr.write(`src/${name}:${line}: ${reason}\n`);
  };
  const isWritten = !name.includes('generated');
  if (isWritten && lines.length > MAX_LINES + 1)
    report(lines.length, `longer than ${MAX_LINES} lines`);
  lines.forEach((text, index) => {
    for (const [pattern, reason] of forbidden) if (pattern.test(text)) report(index + 1, reason);
  });
}
for (const top of ['../src/', '../tests/']) {
  const root = new URL(top, import.meta.url);
  const folders = new Map();
  for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) folders.set(entry.parentPath, (folders.get(entry.parentPath) ?? 0) + 1);
  }
  for (const [folder, files] of folders) {
    if (files <= MAX_FILES) continue;
    faults += 1;
    process.stderr.write(`${folder}: ${files} files, at most ${MAX_FILES} a folder\n`);
  }
}
if (faults > 0) process.exit(1);
