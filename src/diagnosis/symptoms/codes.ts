import { type ErrorCode, errorCodes } from '../../errors.ts';
import { type Symptom, spokenBy } from '../symptom.ts';

/** What each error of the driver means, and what to do next; the whole story is in docs/errors.md. */
const meanings: Record<ErrorCode, readonly [title: string, next: string]> = {
  'image-reference-invalid': [
    'the name of the image cannot be read',
    'Write registry/path:tag, and check the variables in it.',
  ],
  'image-not-found': [
    'the image does not exist',
    'Check its name and tag; of localhost/… images, the operator says which there are.',
  ],
  'image-access-denied': ['the registry does not give out the image', 'Check its name, and set DOCKER_AUTH_CONFIG.'],
  'image-platform-unavailable': [
    'the image is for another platform',
    'Remove "platform", or send the job to a runner for it by "tags:".',
  ],
  'image-user-unknown': ['the image has no such user or group', 'Name a user that the image has, or a number.'],
  'image-missing': ['the job names no image', 'Add "image:", or "defaultImage" to the configuration.'],
  'registry-auth-invalid': ['DOCKER_AUTH_CONFIG cannot be read', 'Make it what a Docker config.json is.'],
  'shell-not-found': ['the image has no shell', 'Use an image with bash or sh; many have a -debug tag with one.'],
  'entrypoint-invalid': ['the entrypoint cannot be used', 'Correct "image: entrypoint:", or set it to [""].'],
  'entrypoint-not-found': [
    'the entrypoint is no program of the image',
    'Correct "image: entrypoint:", or set it to [""].',
  ],
  'service-command-missing': ['a service has nothing to run', 'Give the service a "command:".'],
  'service-port-invalid': ['HEALTHCHECK_TCP_PORT is no port', 'Set it to a number from 1 to 65535, or leave it out.'],
  'policy-no-assignment': [
    'this runner takes no jobs of the project',
    'Let the operator assign a policy, or use another runner by "tags:".',
  ],
  'policy-image-refused': ['the policy does not allow the image', 'Use one that the message allows.'],
  'policy-pull-policy-refused': ['the policy does not allow the pull policy', 'Remove "pull_policy".'],
  'policy-services-refused': ['the policy does not allow a service', 'Use services that the message allows, or fewer.'],
  'policy-user-refused': [
    'the policy does not allow the user',
    'Leave out "user", or use an image with a USER other than root.',
  ],
  'policy-variable-refused': ['the policy does not allow a variable', 'Remove the variable that the message names.'],
  'pipeline-invalid': ['the .gitlab-ci.yml makes no job', 'Correct what the message names.'],
  'working-tree-unusable': ['the working tree cannot be sent', 'Name in .gitignore what the job does not need.'],
  'artifacts-unusable': ['the artifacts cannot be kept', 'Name an empty folder, or make the artifacts smaller.'],
  'limit-log-exceeded': [
    'a stage wrote more than limits.log',
    'Send long output to a file, and keep that as an artifact.',
  ],
  'limit-disk-exceeded': ['the job holds more than limits.disk', 'Keep less; use a shallow clone.'],
  'limit-memory-exceeded': ['the job used all of limits.memory', 'Let it need less: fewer parallel processes.'],
  'limit-pids-exceeded': ['the job used up limits.pids', 'Start fewer processes and threads at a time.'],
  'configuration-invalid': ['the configuration is wrong', 'Correct the keys that the message names.'],
  'configuration-not-found': [
    'there is no configuration',
    'Write it, or set BULKHEAD_CONFIG in the environment of GitLab Runner.',
  ],
  'file-unsafe': ['a file could have been changed by another user', 'Run the chown or chmod that the message has.'],
  'policy-invalid': ['a policy or the assignments are wrong', 'Correct the file; run "bulkhead policy check".'],
  'policy-not-found': ['a policy does not exist', 'Write it, or correct its name; run "bulkhead policy check".'],
  'seccomp-profile-invalid': ['the seccomp profile cannot be used', 'Correct the keys that the message names.'],
  'receipts-unusable': ['the receipt cannot be written', 'Look at owner, mode and space of stateFolder.'],
  'image-records-unusable': [
    'it cannot be kept who may use which image',
    'Look at owner, mode and space of stateFolder.',
  ],
  'helper-image-missing': ['the helper image is gone', 'Run npm run setup, which builds it.'],
  'init-unreadable': ['the init for sandboxes is gone', 'Install catatonit, or correct "init".'],
  'podman-not-rootless': ['the Podman service runs as root', 'Name the socket of a rootless one.'],
  'network-guard-failed': [
    'the rules for the networks could not be loaded',
    "Install nftables and util-linux; run GitLab Runner as root or as Podman's user.",
  ],
  'guarantee-violated': [
    'a sandbox was not what was asked for',
    'Correct the containers.conf of the service as the message says; restart it.',
  ],
  'guarantee-unavailable': [
    'the policy requires what this host does not give',
    'Do what the message says, or assign a policy without it.',
  ],
  'init-impossible': ['init cannot set this host up', 'Do what the message asks for, and run init again.'],
  'runner-config-refused': [
    "GitLab Runner's config.toml was left as it is",
    'Correct what the message names, or put the block in by hand.',
  ],
  'metrics-unusable': ['metrics cannot be counted or written', 'Correct what the message names; jobs run without.'],
  'pipeline-unread': ['the .gitlab-ci.yml could not be read in a sandbox', 'Do what the code in the message asks for.'],
  'podman-unreachable': ['the Podman service does not answer', 'Start it; compare "socket" in the configuration.'],
  'podman-request-failed': ['Podman answered with an error', 'Read the message, and the log of the Podman service.'],
  'podman-connection-lost': ['the Podman service went away', 'Retry the job; read the log of the Podman service.'],
  'image-pull-failed': [
    'the image could not be pulled',
    'Retry the job; look at the network to the registry, and at the disk.',
  ],
  'sandbox-start-failed': [
    'a sandbox did not start',
    'Read the log of the Podman service; try podman run as its user.',
  ],
  'sandbox-missing': [
    'a sandbox was removed while the job ran',
    'Retry the job; look for what removes containers on this host.',
  ],
  'sandbox-died': [
    'a sandbox ended while its script ran',
    'Look at dmesg on the host; a script can also kill PID 1 of its own sandbox.',
  ],
  'script-unreadable': ['the stage script is gone', "Look for what empties GitLab Runner's temporary folder."],
  'job-response-unreadable': [
    'the description of the job cannot be read',
    'Use GitLab Runner 16.0 or newer with the Custom executor.',
  ],
  'exit-code-file-unwritable': [
    'the exit code cannot be written down',
    "Make space in GitLab Runner's temporary folder.",
  ],
  'output-closed': ['the job log cannot be written', 'Look at GitLab Runner, and at its disk.'],
  terminated: ['GitLab Runner ended the stage', 'Nothing, if it was canceled; else give the job more time.'],
  'cleanup-incomplete': ['something of the job is left on the host', 'Run "bulkhead gc".'],
  'job-orphaned': [
    'the runner was gone, and the job was removed',
    'Nothing. If it happens often, look at why GitLab Runner ends.',
  ],
  'internal-error': [
    'the driver met something that it does not know',
    'Retry the job; if it repeats, report it with the log.',
  ],
};

const codes = Object.keys(errorCodes) as ErrorCode[];

/** The errors of docs/errors.md. A log has their code in a line of its own, a receipt in its outcome. */
export const codeSymptoms: readonly Symptom[] = spokenBy(
  'driver',
  codes.map((code) => ({
    id: code,
    title: meanings[code][0],
    signs: [],
    cause: 'Its message says why.',
    blame: errorCodes[code],
    next: meanings[code][1],
    page: `errors.md#${code}`,
  })),
);
