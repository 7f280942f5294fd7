import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bulkheadPrograms } from '../../../src/player/driver.ts';
import { makeJob } from '../../../src/player/job.ts';
import type { JobInput } from '../../../src/player/job-input.ts';
import { Player, type PlayerOptions } from '../../player/player.ts';

/** A player whose driver runs scripts right on this host, in a directory of its own. */
export class FakeDriver {
  readonly root = mkdtempSync(join(tmpdir(), 'fake-driver-'));

  /** `env` takes FAKE_CONFIG, FAKE_SHELL, FAKE_PREPARE_FAILS, FAKE_PREPARE_CODE, and FAKE_RUN: shell code before each script. */
  player(job: JobInput = {}, env: Record<string, string> = {}, options: Partial<PlayerOptions> = {}): Player {
    return new Player({
      job: makeJob(job),
      driver: bulkheadPrograms(join(import.meta.dirname, 'fake-driver.sh')),
      env: { FAKE_ROOT: this.root, ...env },
      timings: { preparationRetryMs: 10, stageRetryMs: 10, gracefulKillMs: 400, forceKillMs: 400 },
      ...options,
    });
  }

  /** The stages that `run` was called for. */
  get stages(): string[] {
    return this.#lines('stages');
  }

  /** config, prepare, run, cleanup in the order of their calls. */
  get calls(): string[] {
    return this.#lines('calls');
  }

  #lines(name: string): string[] {
    const file = join(this.root, name);
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
  }

  [Symbol.dispose](): void {
    rmSync(this.root, { recursive: true, force: true });
  }
}
