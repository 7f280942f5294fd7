/**
 * Everything that answers in the made world, in the network namespace it is started in: `node world-server.ts <address>…`.
 * On port 7000 TCP and UDP say the address that was reached; on 7001 HTTP redirects to whatever its path says, and says
 * "secret" otherwise; on 53 names such as 10-0-0-1.world.test lead to 10.0.0.1. Ends by itself.
 */
import { createSocket } from 'node:dgram';
import { createServer as createHttp } from 'node:http';
import { createServer } from 'node:net';

const lifeMs = 20 * 60_000;
setTimeout(() => process.exit(), lifeMs).unref();

/** An A record for the address in the name, or nothing for another question. */
function answer(query: Buffer): Buffer {
  const labels: string[] = [];
  let at = 12;
  for (; (query[at] ?? 0) > 0; at += (query[at] ?? 0) + 1) {
    labels.push(query.toString('latin1', at + 1, at + 1 + (query[at] ?? 0)));
  }
  const question = query.subarray(12, at + 5);
  const address = labels[0]?.split('-').map(Number) ?? [];
  const found = address.length === 4 && question.readUInt16BE(question.length - 4) === 1;
  const header = Buffer.from([query[0] ?? 0, query[1] ?? 0, 0x81, 0x80, 0, 1, 0, found ? 1 : 0, 0, 0, 0, 0]);
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address];
  return Buffer.concat([header, question, ...(found ? [Buffer.from(record)] : [])]);
}

async function listenUdp(port: number, address: string, reply: (query: Buffer) => Buffer): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  socket.on('message', (query, { port: from, address: sender }) => socket.send(reply(query), from, sender));
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
}

for (const address of process.argv.slice(2)) {
  // One socket for each: an answer must come from the address that was asked.
  await listenUdp(7000, address, () => Buffer.from(`udp ${address}\n`));
  await listenUdp(53, address, answer);
  const tcp = createServer((socket) => socket.on('error', () => {}).end(`tcp ${address}\n`));
  const http = createHttp((request, response) => {
    const target = /^\/(http:.*)/.exec(request.url ?? '')?.[1];
    if (target !== undefined) response.writeHead(302, { location: target }).end();
    else response.end(`secret of ${address}\n`);
  });
  await new Promise<void>((resolve) => tcp.listen(7000, address, resolve));
  await new Promise<void>((resolve) => http.listen(7001, address, resolve));
}
console.log('ready');
