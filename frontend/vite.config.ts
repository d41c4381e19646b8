// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

const OUT_DIR = '../tensorboard_plugin_atlas/static';

/** The version has one home, on the Python side. */
function packageVersion(): string {
  const source = readFileSync(
    new URL('../tensorboard_plugin_atlas/_version.py', import.meta.url),
    'utf8',
  );
  const found = /__version__ = "([^"]+)"/.exec(source)?.[1];
  if (found === undefined)
    throw new Error('no __version__ in tensorboard_plugin_atlas/_version.py');
  return found;
}

/** Styles reach the browser as text; their indentation need not. */
function tightenStyles(code: string): string {
  return code.replace(/css`[^`]*`/g, (style) =>
    style.replace(/\s+/g, ' ').replace(/ ?([{};,]) ?|: /g, (_, mark) => mark ?? ':'),
  );
}

export default defineConfig({
  plugins: [
    {
      name: 'tighten-styles',
      apply: 'build',
      transform: (code, id) => (id.endsWith('styles.ts') ? tightenStyles(code) : null),
    },
  ],
  base: './',
  publicDir: false,
  define: { __ATLAS_VERSION__: JSON.stringify(packageVersion()) },
  build: {
    outDir: OUT_DIR,
    emptyOutDir: true,
    target: 'es2022',
    sourcemap: false,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      input: 'src/index.ts',
      preserveEntrySignatures: 'strict',
      output: {
        format: 'es',
        entryFileNames: 'index.js',
        chunkFileNames: 'chunk-[name]-[hash].js',
        assetFileNames: 'asset-[name]-[hash][extname]',
      },
    },
  },
  test: { environment: 'node', include: ['tests/**/*.test.ts'] },
});
