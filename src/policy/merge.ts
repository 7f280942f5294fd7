import type { Document } from './document.ts';
import { formatPath, type JsonPath } from './json-path.ts';

/** Where a setting was set. */
export interface Origin {
  readonly file: string;
  readonly line: number;
  /** As formatPath writes it. */
  readonly path: string;
}

/** A setting as a file has it. */
export interface SetValue extends Origin {
  readonly value: unknown;
}

type JsonObject = Readonly<Record<string, unknown>>;

/** Settings of a chain of files, and for each of them (by formatPath) the place that set it. */
export interface Merged {
  readonly settings: JsonObject;
  readonly origins: ReadonlyMap<string, SetValue>;
}

/** Keys that are about the file, not settings. */
const headKeys = new Set(['$schema', 'description', 'extends']);

/**
 * Merges files, the outermost ancestor first: the keys of a section one by one, everything else (lists, too) is replaced as
 * a whole. So a setting always stands in exactly one place. Pure.
 */
export function merge(chain: readonly Document[]): Merged {
  const origins = new Map<string, SetValue>();
  const settings = new Map<string, unknown>();
  for (const document of chain) {
    const note = (path: JsonPath, value: unknown) => {
      const name = formatPath(path);
      origins.set(name, { file: document.name, line: document.line(path), path: name, value });
    };
    for (const [section, value] of Object.entries(document.value as JsonObject)) {
      if (headKeys.has(section)) continue;
      if (!isObject(value)) {
        settings.set(section, value);
        note([section], value);
        continue;
      }
      settings.set(
        section,
        Object.fromEntries([...Object.entries(settings.get(section) ?? {}), ...Object.entries(value)]),
      );
      for (const [key, inner] of Object.entries(value)) note([section, key], inner);
    }
  }
  return { settings: Object.fromEntries(settings), origins };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
