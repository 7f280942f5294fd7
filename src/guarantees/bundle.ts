import * as z from 'zod';

const names = z.array(z.string()).optional();

/** The part of an OCI runtime specification (config.json of a bundle) that guarantees are about. */
const bundleSchema = z.object({
  process: z.object({
    user: z.object({ uid: z.number(), gid: z.number() }),
    capabilities: z
      .object({ bounding: names, effective: names, permitted: names, inheritable: names, ambient: names })
      .optional(),
    noNewPrivileges: z.boolean().optional(),
  }),
  root: z.object({ path: z.string(), readonly: z.boolean().optional() }),
  mounts: z
    .array(
      z.object({
        destination: z.string(),
        type: z.string().optional(),
        source: z.string().optional(),
        options: names,
      }),
    )
    .default([]),
  annotations: z.record(z.string(), z.string()).default({}),
  hooks: z.record(z.string(), z.array(z.unknown()).nullable()).default({}),
  linux: z.object({
    devices: z.array(z.object({ path: z.string() })).default([]),
    seccomp: z
      .object({
        defaultAction: z.string(),
        defaultErrnoRet: z.number().optional(),
        architectures: names,
        syscalls: z
          .array(
            z.object({
              names: z.array(z.string()),
              action: z.string(),
              errnoRet: z.number().optional(),
              args: z
                .array(
                  z.object({ index: z.number(), value: z.number(), valueTwo: z.number().optional(), op: z.string() }),
                )
                .optional(),
            }),
          )
          .default([]),
      })
      .optional(),
  }),
});

/** What runsc was given to run: the last word on what was asked of it, whatever Podman was asked. */
export type Bundle = z.infer<typeof bundleSchema>;

/** The bundle, or what is wrong with it. */
export function parseBundle(text: string): { readonly bundle: Bundle } | { readonly problem: string } {
  try {
    const result = bundleSchema.safeParse(JSON.parse(text));
    if (result.success) return { bundle: result.data };
    return { problem: result.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; ') };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}
