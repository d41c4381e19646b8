// SPDX-License-Identifier: Apache-2.0
// Which folder may import which: app > features > map > ui > state | render > domain > wire | host > util.
const LAYERS = [
  ['app'],
  ['features'],
  ['map'],
  ['ui'],
  ['state', 'render'],
  ['domain'],
  ['wire', 'host'],
  ['util'],
];

/** A folder imports from itself and from the layers below its own. */
const layering = LAYERS.flatMap((layer, depth) =>
  layer.map((folder) => {
    const allowed = [folder, ...LAYERS.slice(depth + 1).flat()];
    return {
      name: `${folder}-imports-downward`,
      severity: 'error',
      from: { path: `^src/${folder}/` },
      to: { path: '^src/', pathNot: `^src/(?:${allowed.join('|')})/` },
    };
  }),
);

module.exports = {
  forbidden: [
    ...layering,
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'features-are-independent',
      comment: 'What two features need lives in ui/, state/ or domain/.',
      severity: 'error',
      from: { path: '^src/features/([^/]+)/' },
      to: { path: '^src/features/[^/]+/', pathNot: '^src/features/$1/' },
    },
    {
      name: 'only-the-entry-and-tests-import-app',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(?:app/|index\\.ts$)' },
      to: { path: '^src/app/' },
    },
    {
      name: 'only-the-host-knows-tensorboard',
      severity: 'error',
      from: { path: '^src/(?:wire|domain|render|util)/' },
      to: { path: '^src/host/' },
    },
    {
      name: 'resolvable',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, pathNot: '\\?' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    parser: 'swc',
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types'],
    },
  },
};
