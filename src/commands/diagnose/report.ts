import { type Diagnosis, type Fault, type Finding, type JobState, shown } from '../../diagnosis/diagnosis.ts';
import { line } from '../print.ts';

/** Findings that are told in full; further ones get a line. */
const told = 3;
const docs = 'docs/';

const states: Record<JobState, string> = {
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'was canceled',
  running: 'is on this host',
  ended: 'is over',
  unknown: 'did not say how it ended',
};

const faults: Record<Fault, string> = {
  job: "the job's author has to act",
  operator: 'the operator of this host has to act',
  system: "nobody's at once: retry the job; the operator, if it fails again",
  nobody: "nobody's",
  unknown: 'cannot be told',
};

/** What to bring when nothing is known. */
const collect = [
  'the whole job log ("Complete raw" in GitLab), from "Running with gitlab-runner" to its last line',
  'bulkhead diagnose <job id>, on the host that ran it',
  "the log of GitLab Runner and that of the Podman service, around the job's time (docs/setup.md#where-to-look-when-something-is-wrong)",
];

/** For people. */
export function describeDiagnosis(diagnosis: Diagnosis): string {
  const { subject, state, stage, fault, findings, disbelieved, notes } = diagnosis;
  const full = findings.slice(0, told);
  const unexplained = (state === 'failed' && fault !== 'job') || state === 'unknown';
  return [
    line(`${subject}: ${states[state]}${stage === undefined ? '' : `, at the stage ${stage}`}`),
    `Fault: ${faults[fault]}`,
    ...notes.map((note) => line(note)),
    ...full.flatMap((finding, index) => ['', ...describeFinding(finding, index + 1)]),
    ...(findings.length > told ? ['', 'Also seen:'] : []),
    ...findings.slice(told).map(({ symptom, certainty }) => `  ${symptom.id}: ${symptom.title} (${certainty})`),
    ...(disbelieved.length > 0 ? ['', 'Not believed, since GitLab Runner counted the job as ended by itself:'] : []),
    ...disbelieved.map(({ symptom, line: at }) => `  line ${at} looks like ${symptom.id}`),
    ...(unexplained && !findings.some(({ decisive }) => decisive)
      ? ['', 'Nothing known fits. Collect:', ...collect.map((what) => `  - ${what}`)]
      : []),
  ].join('\n');
}

function describeFinding({ symptom, certainty, decisive, line: at, excerpt, count }: Finding, index: number): string[] {
  const where = at === undefined ? '' : `line ${at}${count > 1 ? ` and ${count - 1} more` : ''}: `;
  return [
    `${index}. ${symptom.title} (${symptom.id}, ${certainty}${decisive ? '' : ', beside the failure'})`,
    ...(excerpt === '' ? [] : [`   Seen:  ${where}${shown(excerpt)}`]),
    `   Cause: ${symptom.cause}`,
    `   Turn:  ${{ job: 'job author', operator: 'operator', system: 'nobody; operator, if it happens again' }[symptom.blame]}`,
    `   Next:  ${symptom.next}`,
    `   More:  ${docs}${symptom.page}`,
  ];
}

/** The stable shape that docs/diagnosis.md describes. */
export function diagnosisJson(diagnoses: readonly Diagnosis[]): object {
  return {
    schemaVersion: 1,
    diagnoses: diagnoses.map(({ subject, state, stage, fault, findings, disbelieved, notes }) => ({
      subject: line(subject),
      state,
      stage: stage ?? null,
      fault,
      findings: findings.map(({ symptom, certainty, decisive, stage, line, excerpt, count }) => ({
        id: symptom.id,
        title: symptom.title,
        certainty,
        decisive,
        stage: stage ?? null,
        line: line ?? null,
        excerpt: shown(excerpt),
        count,
        cause: symptom.cause,
        blame: symptom.blame,
        next: symptom.next,
        page: `${docs}${symptom.page}`,
      })),
      disbelieved: disbelieved.map(({ symptom, line }) => ({ id: symptom.id, line })),
      notes: notes.map((note) => line(note)),
    })),
  };
}
