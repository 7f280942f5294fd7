import type { Document } from './document.ts';
import type { Finding, Level } from './finding.ts';
import { findNameOutside } from './glob-cover.ts';
import { formatPath } from './json-path.ts';
import type { Assignments } from './load.ts';
import type { Assignment, Match } from './schema.ts';

/** A job as narrow as an assignment's lists tell them apart: one of each list. */
type Corner = { readonly [K in keyof Match]?: string | number | boolean };

/** Beyond this, "is it shadowed" is left open: lists that long are ids, which nobody repeats by mistake. */
const mostCorners = 512;
/** A project's path has a group in it. */
const leastParts = 2;

/** What is wrong with the list as such, whatever its policies say. Pure. */
export function checkAssignments({ document, list }: Assignments): Finding[] {
  return list.flatMap((assignment, index) => [
    ...shadowed(document, list, index),
    ...values(assignment.match.project).flatMap((glob, entry) => projectGlob(document, assignment, index, glob, entry)),
  ]);
}

/** Honest: says nothing when it cannot tell. */
function shadowed(document: Document, list: readonly Assignment[], index: number): Finding[] {
  const own = list[index];
  const all = own === undefined ? [] : corners(own.match);
  if (own === undefined || all.length > mostCorners) return [];
  const winners = new Set<number>();
  for (const corner of all) {
    const winner = list.findIndex(({ match }, earlier) => earlier < index && coversCorner(match, corner));
    if (winner < 0) return [];
    winners.add(winner);
  }
  const lines = [...winners].map((winner) => document.line(['assignments', winner]));
  const which = `${lines.length === 1 ? 'line' : 'lines'} ${lines.join(' and ')}`;
  const takes = lines.length === 1 ? 'takes' : 'together take';
  const same = [...winners].every((winner) => list[winner]?.policy === own.policy);
  return [
    {
      ...at(document, ['assignments', index]),
      level: same ? 'warning' : 'error',
      message: `is never reached: ${which} ${takes} every job that it matches`,
      fix: same ? 'Remove it: it says the same.' : 'Move it above, or remove it.',
    },
  ];
}

function projectGlob(document: Document, { match }: Assignment, index: number, glob: string, entry: number): Finding[] {
  const path = ['assignments', index, 'match', 'project', ...(Array.isArray(match.project) ? [entry] : [])];
  const finding = (level: Level, message: string, fix: string): Finding[] => [
    { ...at(document, path), level, message: `"${glob}" ${message}`, fix },
  ];
  if (findNameOutside(glob, [], leastParts) === undefined) {
    return finding('error', 'matches nothing: a project path has a group in it', `Write ${glob}/** or group/${glob}.`);
  }
  // The rules of GitLab for paths (lib/gitlab/path_regex.rb).
  const impossible = glob.split('/').find((part) => part.startsWith('-') || /\.(?:git|atom)$/i.test(part));
  if (impossible !== undefined) {
    return finding(
      'error',
      `matches nothing: no path in GitLab has "${impossible}" in it`,
      'Write the path as in URLs.',
    );
  }
  if (findNameOutside('**', [glob], leastParts) === undefined) {
    return finding('warning', 'matches every project whose path is known', 'Leave the condition out to match all.');
  }
  const [group = ''] = glob.split('/');
  if (/[*?]/.test(group) && !/^(?:\*|\*\*)$/.test(group)) {
    const twin = group.replace(/^\*/, 'evil-').replaceAll('*', '-evil').replaceAll('?', 'x');
    return finding('warning', `matches groups that anybody may make, such as ${twin}`, 'Name the groups one by one.');
  }
  return [];
}

function coversCorner(match: Match, corner: Corner): boolean {
  return (
    coversText(match.project, corner.project, leastParts, true) &&
    coversId(match.projectId, corner.projectId) &&
    coversId(match.namespaceId, corner.namespaceId) &&
    coversId(match.userId, corner.userId) &&
    (match.protected === undefined || match.protected === corner.protected) &&
    coversText(match.runner, corner.runner, 1, false)
  );
}

function coversId(ids: Match['projectId'], id: Corner[keyof Match]): boolean {
  return ids === undefined || values(ids).some((one) => one === id);
}

function coversText(globs: Match['project'], glob: Corner[keyof Match], least: number, ignoreCase: boolean): boolean {
  if (globs === undefined) return true;
  if (typeof glob !== 'string') return false;
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  return findNameOutside(fold(glob), values(globs).map(fold), least) === undefined;
}

function corners(match: Match): Corner[] {
  let all: Corner[] = [{}];
  for (const name of ['project', 'projectId', 'namespaceId', 'userId', 'runner', 'protected'] as const) {
    const either = name === 'protected' ? (match.protected === undefined ? [true, false] : [match.protected]) : [];
    const list = name === 'protected' ? either : values<string | number>(match[name]);
    if (list.length === 0) continue;
    all = all.flatMap((corner) => list.map((value) => ({ ...corner, [name]: value })));
    if (all.length > mostCorners) break;
  }
  return all;
}

function values<T extends string | number>(condition: T | readonly T[] | undefined): readonly T[] {
  return condition === undefined ? [] : Array.isArray(condition) ? condition : [condition as T];
}

function at(document: Document, path: readonly (string | number)[]) {
  return { file: document.name, line: document.line(path), path: formatPath(path) };
}
