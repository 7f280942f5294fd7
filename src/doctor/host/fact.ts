/** Why a check cannot be made: what it builds on is not there, and another check has said so. */
export class NotLookedAt extends Error {
  override readonly name = 'NotLookedAt';
}

/** Something of the host that is looked at once, when the first check asks for it. */
export class Fact<T> {
  /** What has to be put right first, for checks that build on it: `the configuration cannot be used`. */
  readonly lack: string;
  readonly #look: () => Promise<T>;
  #seen: Promise<T> | undefined;

  constructor(lack: string, look: () => Promise<T>) {
    this.lack = lack;
    this.#look = look;
  }

  /** For the check that reports on it. @throws what looking threw. */
  look(): Promise<T> {
    this.#seen ??= this.#look();
    return this.#seen;
  }

  /** For every other check. @throws NotLookedAt when it could not be had, naming the first thing that was in the way. */
  async need(): Promise<T> {
    try {
      return await this.look();
    } catch (error) {
      throw error instanceof NotLookedAt ? error : new NotLookedAt(this.lack, { cause: error });
    }
  }
}
