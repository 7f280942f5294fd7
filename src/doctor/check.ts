import type { Host } from './host/host.ts';

/** What a check came to: one line, and for what is not as it should be, what puts it right. */
export type Finding =
  | { readonly state: 'ok'; readonly text: string }
  /** Jobs run, but not as well, or not as safely, as they could. */
  | { readonly state: 'warn'; readonly text: string; readonly fix: string }
  /** Jobs do not run, or run in a way that nobody wants. */
  | { readonly state: 'fail'; readonly text: string; readonly fix: string }
  /** Not looked at; `text` is why. */
  | { readonly state: 'skipped'; readonly text: string };

/** One thing that `bulkhead doctor` looks at. Changes nothing. */
export interface Check {
  /** Stable, for programs; a heading of docs/doctor.md. */
  readonly id: string;
  /** What is looked at, in a few words. */
  readonly title: string;
  /** What it means, and what to do: the text of docs/doctor.md. */
  readonly about: string;
  /** @throws NotLookedAt when something that it builds on is not there; BulkheadError, which is a failure with its hint. */
  readonly look: (host: Host) => Promise<Finding>;
}

export const ok = (text: string): Finding => ({ state: 'ok', text });
export const warn = (text: string, fix: string): Finding => ({ state: 'warn', text, fix });
export const fail = (text: string, fix: string): Finding => ({ state: 'fail', text, fix });
export const skipped = (text: string): Finding => ({ state: 'skipped', text });
