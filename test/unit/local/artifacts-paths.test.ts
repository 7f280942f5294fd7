import assert from 'node:assert/strict';
import { test } from 'node:test';
import { expandPaths } from '../../../src/local/artifacts-paths.ts';
import { variable } from '../../../src/player/variables.ts';

const project = '/builds/group/project';
const variables = [variable('OUT', 'build'), variable('CI_PROJECT_DIR', project), variable('UP', '../..')];

for (const [path, inside, outside] of [
  ['$OUT/*.txt', ['build/*.txt'], []],
  ['${OUT}', ['build'], []],
  ['${OUT}-{a,b}', ['build-{a,b}'], []],
  ['$CI_PROJECT_DIR/x', ['x'], []],
  ['$CI_PROJECT_DIR//x', ['x'], []],
  ['$CI_PROJECT_DIR', ['.'], []],
  ['$CI_PROJECT_DIR/', ['.'], []],
  ['${CI_PROJECT_DIR}2/x', [], [`${project}2/x`]],
  ['$NOWHERE', [], []],
  ['/etc/passwd', [], ['/etc/passwd']],
  ['$UP/x', [], ['../../x']],
  ['a/../../x', [], ['a/../../x']],
  ['..x', ['..x'], []],
] as const) {
  test(`${path} is ${inside.join() || 'nothing'} in the project's folder`, () => {
    const of = (rules: object) =>
      expandPaths({ paths: [], exclude: [], untracked: false, ...rules }, variables, project);
    assert.deepEqual(of({ paths: [path] }), { rules: { paths: inside, exclude: [], untracked: false }, outside });
    assert.deepEqual(of({ exclude: [path] }).rules.exclude, inside);
  });
}
