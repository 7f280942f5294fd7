import * as z from 'zod';
import { guaranteeNames } from '../guarantees/guarantee.ts';
import { capabilityNames } from './capabilities.ts';
import { globProblem } from './glob.ts';
import { imagePatternProblem } from './image-pattern.ts';
import { networkRules } from './network-rule.ts';
import { checked, distinct, duration, oneOrMore, orUnlimited, size, softAndHard } from './types.ts';

const count = z.number().int().min(0).max(1_000_000_000);
const pullPolicy = z.enum(['always', 'if-not-present', 'never']);

export const policyName = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'must be a name such as baseline');
const imagePattern = checked(imagePatternProblem, {
  pattern: '^[a-z0-9.*?-]+(:[0-9*?]{1,5})?/[a-z0-9._/*?-]+(:[A-Za-z0-9._*?-]+|@(\\*|sha256:[0-9a-f]{64}))?$',
  examples: ['docker.io/library/*', 'registry.example.com/group/**', 'registry.example.com/tools/*@*'],
});
const glob = (...examples: string[]) => checked(globProblem, { pattern: '^[A-Za-z0-9._/*?-]+$', examples });
const imageRules = {
  allow: distinct(imagePattern).describe(
    'Globs on full image names: registry/path, registry/path:tag, registry/path@sha256:…; */** is every image.',
  ),
  digest: z.enum(['required', 'optional']).describe('Whether images must be named by digest.'),
  pullPolicies: distinct(pullPolicy)
    .min(1)
    .describe('Pull policies a job may ask for; the first is used when it asks for none.'),
};
const reach = z.enum(['none', 'job', 'listed', 'egress']);
export type Reach = z.output<typeof reach>;

/**
 * Every setting of a policy. Objects are merged key by key along `extends`; everything else is replaced as a whole. After
 * merging, all of them must be set: no setting has a default that one would have to know.
 */
export const sections = {
  images: z.strictObject(imageRules).describe('Images of jobs.'),
  services: z.strictObject(imageRules).describe('Images of services.'),
  user: z
    .strictObject({
      run: z
        .union([
          z.literal('image'),
          z.string().regex(/^[0-9]{1,9}:[0-9]{1,9}$/, 'must be "image" or uid:gid in numbers'),
        ])
        .describe('"image" for the user of the image, or uid:gid for every sandbox of the job.'),
      root: z.enum(['allowed', 'refused']).describe('Whether the job may run as uid 0 of its sandbox.'),
    })
    .describe('Who the job is inside its sandbox.'),
  capabilities: distinct(z.enum(capabilityNames)).describe('Capabilities, added to none.'),
  rootFilesystem: z
    .enum(['ephemeral', 'read-only'])
    .describe(
      '"ephemeral": writable and thrown away with the sandbox; "read-only": only volumes and tmpfs are writable.',
    ),
  builds: z
    .enum(['disk', 'memory'])
    .describe('Where the builds volume is: on disk, or in memory with limits.disk as its hard bound.'),
  tmpfs: z
    .record(
      z.string().regex(/^(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)+$/, 'must be an absolute path without . and ..'),
      z.union([z.literal('none'), size]),
    )
    .describe('Path → size of a file system in memory; "none" takes an inherited one away.'),
  seccomp: policyName.describe('Name of the seccomp profile: <name>.json in the folder of profiles.'),
  ulimits: z
    .strictObject({
      nofile: softAndHard(count).describe('Open files.'),
      nproc: softAndHard(count).describe('Processes of the user.'),
      cpu: softAndHard(duration).describe('Processor time.'),
      core: softAndHard(z.union([z.literal('0B').transform(() => 0), size])).describe('Core dump.'),
      fsize: softAndHard(size).describe('One file that is written.'),
      stack: softAndHard(size).describe('Stack.'),
      memlock: softAndHard(size).describe('Locked memory.'),
    })
    .describe('setrlimit(2) limits of every process: a value, or soft and hard.'),
  network: z
    .strictObject({
      helper: reach.describe('Clones, caches and artifacts.'),
      build: reach.describe("The job's own script."),
      services: reach.describe('Services of the job.'),
      allow: networkRules.describe('Destinations: the only ones of "listed", and those that "egress" has besides.'),
    })
    .describe(
      '"none": loopback only; "job": the sandboxes of the job; "listed": what "allow" lists as well; "egress": the internet as well, not this host nor private networks.',
    ),
  limits: z
    .strictObject({
      memory: orUnlimited(size).describe('Memory of all sandboxes of the job together.'),
      cpus: orUnlimited(z.number().positive().max(4096)).describe('Processors, 0.5 is half of one.'),
      pids: orUnlimited(z.number().int().min(64).max(4_194_304)).describe('Host tasks of all sandboxes together.'),
      disk: orUnlimited(size).describe('What the job may hold on disk: builds volume and root file systems.'),
      log: orUnlimited(size).describe('Output of one stage.'),
      services: z.number().int().min(0).max(100).describe('Number of services.'),
      serviceMemory: orUnlimited(size).describe('Memory of one service.'),
    })
    .describe('Bounds. "unlimited" says that there is none.'),
  cache: z
    .enum(['none', 'project', 'project-and-protection'])
    .describe('Whose jobs share a cache volume; the last keeps protected refs apart from the others.'),
  environment: z
    .strictObject({
      refuse: distinct(glob('CI_DEBUG_*')).describe('Globs on names of variables that a job must not have.'),
    })
    .describe('Variables of the job.'),
  require: distinct(z.enum(guaranteeNames)).describe('Guarantees without which nothing of the job runs.'),
} as const;

export type SettingName = keyof typeof sections;
export const settingNames = Object.keys(sections) as SettingName[];

/** One file: any part of the settings. */
export const policyFileSchema = z.strictObject({
  $schema: z.string().optional().describe('Where editors find the schema of this file.'),
  description: z.string().optional().describe('What the policy is for; people read it, nothing else does.'),
  extends: policyName.optional().describe('Name of the policy that this one changes.'),
  images: sections.images.partial().optional(),
  services: sections.services.partial().optional(),
  user: sections.user.partial().optional(),
  capabilities: sections.capabilities.optional(),
  rootFilesystem: sections.rootFilesystem.optional(),
  builds: sections.builds.optional(),
  tmpfs: sections.tmpfs.optional(),
  seccomp: sections.seccomp.optional(),
  ulimits: sections.ulimits.optional(),
  network: sections.network.partial().optional(),
  limits: sections.limits.partial().optional(),
  cache: sections.cache.optional(),
  environment: sections.environment.partial().optional(),
  require: sections.require.optional(),
});

/** The settings that a chain of files comes to. What would silently give less than it says is refused. */
export const settingsSchema = z.strictObject(sections).superRefine(({ user, builds, limits }, context) => {
  const contradiction = (path: string[], message: string) => context.addIssue({ code: 'custom', path, message });
  if (user.root === 'refused' && /^0+:/.test(user.run)) {
    contradiction(['user', 'run'], `is root (${user.run}), which user.root refuses`);
  }
  if (builds === 'memory' && limits.disk === undefined) {
    contradiction(['limits', 'disk'], 'is unlimited, but builds in memory need a size: it is this one');
  }
});
export type Settings = z.output<typeof settingsSchema>;

const id = z.number().int().positive();

export const matchSchema = z.strictObject({
  project: oneOrMore(glob('group/**', 'group/project')).optional().describe('Globs on the full path of the project.'),
  projectId: oneOrMore(id).optional().describe("The project's number."),
  namespaceId: oneOrMore(id).optional().describe('The number of the group or user that the project is in.'),
  userId: oneOrMore(id).optional().describe('The GitLab user who started the job.'),
  protected: z.boolean().optional().describe('Whether GitLab says that the ref is protected. Unknown counts as false.'),
  runner: oneOrMore(glob('shared-*')).optional().describe('Globs on "runner" of the configuration.'),
});
export type Match = z.output<typeof matchSchema>;

/** assignments.json: the first whose conditions all hold decides; none refuses. */
export const assignmentsSchema = z.strictObject({
  $schema: z.string().optional().describe('Where editors find the schema of this file.'),
  assignments: z
    .array(
      z.strictObject({
        description: z.string().optional().describe('Why; people read it, nothing else does.'),
        match: matchSchema.describe('Conditions that must all hold; {} holds for every job.'),
        policy: policyName.describe('Name of the policy of these jobs.'),
      }),
    )
    .min(1)
    .describe('The first whose conditions all hold decides; a job that none fits is refused.'),
});
export type Assignment = z.output<typeof assignmentsSchema>['assignments'][number];
