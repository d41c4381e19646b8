// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
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

/** Shaders reach the browser as text; they need no blanks, but for the break behind their version. */
function tightenShaders(code: string): string {
  return code.replace(/`\s*(?:uniform|#version)[^`]*`/g, (shader) =>
    shader
      .replace(
        /(#version.*\n)|\s*([=+\-*/,;(){}<>?:&!])\s*/g,
        (_, version, mark) => version ?? mark,
      )
      .replace(/\b0(\.\d)|(\d\.)0\b/g, '$1$2'),
  );
}

/** What loads a chunk is left of Vite's call, which names what to load before it: here, nothing. */
function tightenLoads(code: string): string {
  return code.replace(
    /[\w$]+\(\(\)=>(import\(`[^`]+`\)(?:\.then\([\w$.=>]+\))?),__VITE_PRELOAD__,import\.meta\.url\)/g,
    '$1',
  );
}

/** Nor need the indentation of templates, and no line break before a tag, a value or an attribute. */
function tightenTemplates(code: string): string {
  return code
    .replace(/\n *>/g, '>')
    .replace(/\n *([</@.?$]|[a-z-]+=)|\n +/g, (_, next) => (next ? ` ${next}` : '\n'))
    .replace(/" \/>/g, '"/>');
}

/** The first map. Each of these brings all that it imports and that is in none before it. */
const AT_ONCE = /\/src\/app\/app\.ts/;

/** Comes behind it, always. */
const LATER = /\/src\/app\/shell\.ts/;

/** Opened by hand: in one file, which packs better than several; and how the few without WebGL2 draw their map. */
const ON_REQUEST =
  /\/src\/(?:app\/feature_slots|features\/(?:table\/table_controller|search\/search_controller|export\/export_controller|panes\/panes_controller|panes\/layer_links_panel|selection\/selection_controller)|render\/canvas_renderer)\.ts/;

export default defineConfig({
  plugins: [
    {
      // Vite's own would look for what to load with each chunk; ours say themselves what they look like.
      name: 'load-chunks-alone',
      apply: 'build',
      enforce: 'pre',
      load: (id) =>
        id.includes('vite/preload-helper')
          ? 'export const __vitePreload = (load) => load();'
          : null,
    },
    {
      name: 'tighten-shaders',
      apply: 'build',
      transform: (code, id) => (id.includes('/src/render/gl/') ? tightenShaders(code) : null),
    },
    {
      name: 'tighten-templates',
      apply: 'build',
      enforce: 'post',
      generateBundle: (_, bundle) => {
        for (const chunk of Object.values(bundle)) {
          if (chunk.type === 'chunk') chunk.code = tightenLoads(tightenTemplates(chunk.code));
        }
      },
    },
  ],
  resolve: {
    alias: [
      { find: /^lit$/, replacement: fileURLToPath(new URL('./src/ui/lit.ts', import.meta.url)) },
    ],
  },
  base: './',
  // The sample, which `scripts/make_sample.py` makes.
  publicDir: 'public',
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
        // By when it is needed; what several need lies in the one that comes first. The parts that are opened
        // by hand share much: together they are a kilobyte less than one by one.
        codeSplitting: {
          groups: [
            { name: 'base', test: AT_ONCE, priority: 3 },
            { name: 'later', test: LATER, priority: 2 },
            { name: 'extras', test: ON_REQUEST, priority: 1 },
          ],
        },
      },
    },
  },
  // Machines are shared: what takes a second alone has taken six.
  test: { environment: 'node', include: ['tests/**/*.test.ts'], testTimeout: 30_000 },
});
