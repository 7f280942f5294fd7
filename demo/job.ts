import { EXAMPLE_IMAGE } from '../setup/image-names.ts';
import { variable } from '../src/player/variables.ts';

/** The job of demo/project/.gitlab-ci.yml. A unit test holds the two together. */
export const demoJob = {
  name: 'test',
  image: EXAMPLE_IMAGE,
  variables: { YEAR: '2026' },
  beforeScript: ['python3 --version', 'dmesg | head -n 3'],
  script: ['python3 -m compileall -q .', 'python3 -m unittest --verbose', 'python3 roman.py "$YEAR"'],
  afterScript: ['echo "The job ended with: $CI_JOB_STATUS"'],
} as const;

/** A file variable, which GitLab keeps in the project's settings and not in .gitlab-ci.yml. */
export const knownYears = variable('KNOWN_YEARS', '1954 MCMLIV\n1990 MCMXC\n2026 MMXXVI\n', { file: true });

/** The job as text of .gitlab-ci.yml. */
export function gitlabCiYaml(job: typeof demoJob): string {
  const list = (lines: readonly string[]) => lines.map((line) => `    - ${yamlString(line)}`);
  return [
    '# KNOWN_YEARS is a file variable of the project (Settings > CI/CD > Variables).',
    `${job.name}:`,
    `  image: ${yamlString(job.image)}`,
    '  variables:',
    ...Object.entries(job.variables).map(([key, value]) => `    ${key}: ${yamlString(value)}`),
    ...['  before_script:', ...list(job.beforeScript)],
    ...['  script:', ...list(job.script)],
    ...['  after_script:', ...list(job.afterScript), ''],
  ].join('\n');
}

/** In quotes always: a JSON string is one in YAML too, and single quotes spare it the backslashes. */
function yamlString(text: string): string {
  return text.includes('"') ? `'${text.replaceAll("'", "''")}'` : JSON.stringify(text);
}
