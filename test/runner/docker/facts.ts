import { stripVTControlCharacters } from 'node:util';
import type { ServerJob } from '../gitlab/server-job.ts';

/** Name of a fact → what it was, normalised. */
export type Facts = ReadonlyMap<string, string>;

/**
 * What a job's end says of it: its state, the answers that fact-script.ts asked for, and, by section, the rest of its trace.
 * What differs between any two jobs (ids, times, ports, hashes) is replaced.
 */
export function factsOf(job: ServerJob, trace: 'whole' | 'of the job' | 'answers'): Facts {
  const facts = new Map<string, string>();
  const { state, failureReason = 'none', exitCode = 'none' } = job.final ?? {};
  facts.set('state', `${state}, failure reason ${failureReason}, exit code ${exitCode}`);
  const { answers, sections } = readTrace(normalise(stripVTControlCharacters(job.log), job));
  for (const [name, answer] of answers) {
    const text = answer.trimEnd();
    if (!/[=:]$/.test(name)) facts.set(name, text);
    else
      for (const [key, value] of lines(text))
        facts.set(`${name.slice(0, -1)} ${key}`, name.endsWith(':') ? mountFlags(value) : value);
  }
  if (trace === 'answers') return facts;
  for (const [name, text] of sections) {
    if (trace === 'whole') facts.set(`trace of ${name}`, text);
    else if (!ownSections.has(name)) facts.set(`trace of ${name}`, withoutTalk(mixed.test(name) ? sorted(text) : text));
  }
  return facts;
}

/** Sections in which executors talk about themselves. One job's whole trace is enough to compare that. */
const ownSections: ReadonlySet<string> = new Set([
  '(outside)',
  'prepare_executor',
  'prepare_script',
  'bulkhead_sandboxes',
]);
/** Here the runner's tools use both outputs, which may come in any order. */
const mixed = /cache|artifacts/;
const sorted = (text: string) => text.split('\n').sort().join('\n');
const talk = [
  /^Using (?:helper image|effective pull policy|docker image|locally found image)\b/,
  /^Container runner-\S+ disconnected from network/,
  /^WARNING: Starting with version 17\.0 the 'build_script' stage/,
];

function withoutTalk(text: string): string {
  return text
    .split('\n')
    .filter((line) => !talk.some((pattern) => pattern.test(line)))
    .join('\n');
}

const marker = /^section_(start|end):\d+:([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?\r/;

function readTrace(trace: string): { answers: Map<string, string>; sections: Map<string, string> } {
  const answers = new Map<string, string>();
  const sections = new Map<string, string>();
  let section = '(outside)';
  let answer: string | undefined;
  const add = (map: Map<string, string>, name: string, line: string) => {
    const before = map.get(name);
    map.set(name, before === undefined || before === '' ? line : `${before}\n${line}`);
  };
  for (let line of trace.split('\n')) {
    for (;;) {
      const found = marker.exec(line);
      if (found === null) break;
      section = found[1] === 'start' ? (found[2] ?? '') : '(outside)';
      if (found[1] === 'start') add(sections, section, '');
      line = line.slice(found[0].length);
    }
    line = line.replace(/\r/g, '').trimEnd();
    const question = /^@@(?: (.*))?$/.exec(line);
    if (question !== null) {
      answer = question[1];
      if (answer !== undefined) answers.set(answer, '');
    } else if (answer !== undefined) add(answers, answer, line);
    else if (line !== '') add(sections, section, line);
  }
  return { answers, sections };
}

/** `key=value` lines; a line without `=` goes on with the value before it. */
function* lines(text: string): Generator<[string, string]> {
  let current: [string, string] | undefined;
  for (const line of text.split('\n')) {
    const [, key, value] = /^([^=\s]+(?: [^=\s]+)*)=(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) {
      if (current) yield current;
      current = [key, value];
    } else if (current) current[1] += `\n${line}`;
  }
  if (current) yield current;
}

/** Less what depends on runsc's version, and on the order of mounts. */
function mountFlags(options: string): string {
  const telling = /^(?:r[ow]|no(?:exec|suid|dev)|size=.*)$/;
  return options
    .split(',')
    .filter((option) => telling.test(option))
    .join(',');
}

/** What no two jobs share, whoever runs them. */
function normalise(text: string, job: ServerJob): string {
  return text
    .replaceAll(String(job.id), '<job>')
    .replaceAll(String(job.response.job_info.project_id), '<project>')
    .replace(/host\.containers\.internal:\d+/g, '<gitlab>')
    .replace(/\b\d{1,3}(?:\.\d{1,3}){3}\b/g, '<ip>')
    .replace(/\b[0-9a-f]{64}\b/g, '<hash>')
    .replace(/\b(pipe|socket|host):\[\d+\]/g, '$1:[<n>]')
    .replace(/((?:correlation_id=|correlation ID: ))[0-9a-f]{32}/g, '$1<id>')
    .replace(/\b(?:DockerSid|BulkheadS)\b/g, '<token>')
    .replace(/\bbulkhead-<job>-[0-9a-f]{12}/g, 'bulkhead-<job>-<id>')
    .replace(/system ID: \w+/g, 'system ID: <id>')
    .replace(/(?<=-concurrent-\d+-)[0-9a-f]{16}/g, '<id>')
    .replace(/\/bulkhead\/scripts\/[0-9a-f]{16}/g, '/bulkhead/scripts/<id>');
}
