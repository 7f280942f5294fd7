import { resolve } from 'node:path';
import { bulkheadPrograms } from '../../src/player/driver.ts';
import type { DriverPrograms } from '../../src/player/executor.ts';
import { type PlayerOptions as Options, Player as PlayerOfPrograms } from '../../src/player/player.ts';

/** This repository's driver. */
export const ownPrograms: DriverPrograms = bulkheadPrograms(resolve(import.meta.dirname, '../../bin/bulkhead'));

/** `driver`: the one under test; default: this repository's. */
export type PlayerOptions = Omit<Options, 'driver'> & Partial<Pick<Options, 'driver'>>;

/** Plays jobs of tests. */
export class Player extends PlayerOfPrograms {
  constructor(options: PlayerOptions) {
    super({ driver: ownPrograms, ...options });
  }
}
