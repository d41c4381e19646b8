// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { minify } from '@swc/core';
import { minifyHTMLLiterals } from 'minify-literals';
import type { BuildEnvironmentOptions, Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const PACKAGE = '../tensorboard_plugin_atlas';
const PAGE_FILE = 'page.js';

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

const TRANSITION_SHIM = fileURLToPath(new URL('src/map/d3_transition_shim.ts', import.meta.url));

/** Collapses the whitespace of templates to single spaces. */
const TEMPLATE_MINIFIER: Plugin = {
  name: 'atlas-template-minifier',
  apply: 'build',
  enforce: 'pre',
  transform(code, id) {
    if (!id.includes('/src/') || !id.endsWith('.ts')) return null;
    return minifyHTMLLiterals(code, {
      fileName: id,
      // A space at the end of a template can separate it from the next one.
      html: { conservativeCollapse: true, removeEmptyAttributes: false },
      css: false,
    });
  },
};

/** Escapes what would change how HTML is read, and all that depends on the encoding of a document. */
function makeInline(code: string): string {
  return code
    .replaceAll(/<(\/script|!--)/gi, '\\x3c$1')
    .replaceAll(
      /[\u0080-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
}

/** Removes the white space of shaders, which minifiers of scripts keep; there are no directives after the first line. */
function minifyShaders(code: string): string {
  return code.replaceAll(/(?<=`#version 300 es\n)[^`]*(?=`)/g, (shader) =>
    shader
      .replaceAll(/\s+/g, ' ')
      .replaceAll(/ ?([{}();,=*/<>?:&|!]) ?/g, '$1')
      // Two signs in a row would become another operator.
      .replaceAll(/ ([+-]) (?![+-])/g, '$1'),
  );
}

/** Minifies scripts once more with SWC, which makes them 2% smaller than the default minifier alone. */
const MINIFIER: Plugin = {
  name: 'atlas-minifier',
  async generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      if (chunk.type !== 'chunk') continue;
      const { code } = await minify(chunk.code, {
        ...{ module: true, mangle: { toplevel: true } },
        compress: { module: true, toplevel: true, ecma: 2022, passes: 3 },
      });
      const small = minifyShaders(code);
      chunk.code = chunk.fileName === PAGE_FILE ? makeInline(small) : small;
    }
  },
};

/** The tab: a module that loads its parts on demand. */
const TAB: BuildEnvironmentOptions = {
  // A library has no helper that preloads chunks and their style sheets, of which there are none.
  lib: { entry: 'src/index.ts', formats: ['es'] },
  outDir: `${PACKAGE}/static`,
  emptyOutDir: true,
  rolldownOptions: {
    input: 'src/index.ts',
    preserveEntrySignatures: 'strict',
    output: {
      format: 'es',
      entryFileNames: 'index.js',
      chunkFileNames: 'chunk-[name]-[hash].js',
      assetFileNames: 'asset-[name]-[hash][extname]',
      // What several parts share lies in one file.
      codeSplitting: {
        groups: [{ name: 'shared', minShareCount: 2 }],
      },
    },
  },
};

/** The same as one classic script, for exported pages: files of a disk cannot load modules. */
const PAGE: BuildEnvironmentOptions = {
  lib: { entry: 'src/exported_page.ts', formats: ['iife'], name: 'atlasPage' },
  outDir: `${PACKAGE}/export`,
  emptyOutDir: false,
  copyPublicDir: false,
  rolldownOptions: {
    output: { format: 'iife', entryFileNames: PAGE_FILE, codeSplitting: false },
  },
};

export default defineConfig(({ mode }) => ({
  plugins: [TEMPLATE_MINIFIER, MINIFIER],
  base: './',
  // The sample, which `scripts/make_sample.py` makes.
  publicDir: 'public',
  resolve: {
    alias: {
      'd3-interpolate': TRANSITION_SHIM,
      'd3-transition': TRANSITION_SHIM,
    },
  },
  define: { __ATLAS_VERSION__: JSON.stringify(packageVersion()) },
  build: {
    target: 'es2022',
    sourcemap: false,
    modulePreload: false,
    reportCompressedSize: false,
    ...(mode === 'page' ? PAGE : TAB),
  },
  // Machines are shared: what takes a second alone has taken six.
  test: { environment: 'node', include: ['tests/**/*.test.ts'], testTimeout: 30_000 },
}));
