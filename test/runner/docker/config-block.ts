import type { HostLayout } from '../../../setup/layout.ts';

/** The `[runners.docker]` block for the Podman service of set-up, with images that only its own store holds. */
export function dockerBlock(layout: HostLayout, helperImage: string): string {
  return `  [runners.docker]
    host = "unix://${layout.socket}"
    image = "localhost/bulkhead/busybox:1"
    helper_image = "${helperImage}"
    pull_policy = "if-not-present"
    volumes = ["/cache"]
`;
}
