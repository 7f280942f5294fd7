import { Command } from 'commander';
import type { Stage, StageContext } from './stages/context.ts';
import { version } from './version.ts';

/** Says which stage the command line asked for, and how it is loaded. */
export type CallStage = (
  command: string,
  load: () => Promise<Stage>,
  options?: {
    /** Whether its output goes to the job log. */
    readonly inJobLog?: boolean;
    /** Of a stage script. */
    readonly name?: string;
  },
) => void;

/**
 * The command line of the stages, which GitLab Runner calls; those of people come from commands/all.ts. Nothing runs yet.
 * @param say writes what commander says to stdout (1) or stderr (2). It never ends the process.
 */
export function makeProgram(stage: CallStage, say: (descriptor: 1 | 2, text: string) => void): Command {
  const program = new Command('bulkhead')
    .description('GitLab Runner Custom executor driver: every CI job in gVisor sandboxes on rootless Podman.')
    .version(version)
    .option('--config <file>', 'configuration file (default: $BULKHEAD_CONFIG, then the usual places)')
    // Commands that are added later take these over.
    .exitOverride()
    .configureOutput({ writeOut: (text) => say(1, text), writeErr: (text) => say(2, text) });
  program
    .command('config')
    .description('print where a job lives in its sandbox, as JSON')
    .action(() => stage('config', async () => (await import('./stages/config.ts')).config));
  program
    .command('prepare')
    .description("make the job's sandboxes, and prove their isolation")
    .action(() => stage('prepare', async () => (await import('./stages/prepare.ts')).prepare, { inJobLog: true }));
  program
    .command('run')
    .description('run a stage script in its sandbox')
    .argument('<script>', 'path of the script, or - for standard input')
    .argument('<stage>', 'name of the stage, such as get_sources or build_script')
    .action((script: string, name: string) => {
      const load = async () => {
        const { run } = await import('./stages/run.ts');
        return (context: StageContext) => run(context, script, name);
      };
      stage('run', load, { inJobLog: true, name });
    });
  program
    .command('cleanup')
    .description('remove everything of the job')
    .action(() => stage('cleanup', async () => (await import('./stages/cleanup.ts')).cleanup));
  return program;
}
