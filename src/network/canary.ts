import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';

/** More than any host needs; each is tried from each sandbox. */
const most = 8;

/**
 * A port of this host that answers, on every address, for as long as sandboxes are looked at: what no sandbox may reach is
 * there to be reached. That nobody gets there says something only together with the packets that the rules refused.
 */
export class Canary implements AsyncDisposable {
  /** `<address>:<port>`, as sandboxes would reach it. */
  readonly addresses: readonly string[];
  readonly #server: Server;

  private constructor(server: Server, addresses: readonly string[]) {
    this.#server = server;
    this.addresses = addresses;
  }

  /** @param addresses under which sandboxes may try to reach this host. @throws Error of the network. */
  static async open(addresses: readonly string[]): Promise<Canary> {
    const server = createServer((socket) => socket.destroy());
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    server.unref();
    const { port } = server.address() as AddressInfo;
    return new Canary(
      server,
      addresses.slice(0, most).map((address) => `${address}:${port}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    await once(this.#server, 'close');
  }
}
