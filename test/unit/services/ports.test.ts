import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { healthPorts } from '../../../src/services/ports.ts';

suite('the ports of a service', () => {
  test('are the TCP ports that its image exposes, the lowest twenty', () => {
    assert.deepEqual(
      healthPorts('x', [], ['6380/tcp', '53/udp', '6379/tcp', '80', '9/sctp', '0/tcp', '70000/tcp']),
      [80, 6379, 6380],
    );
    const many = Array.from({ length: 30 }, (_, index) => `${1030 - index}/tcp`);
    assert.deepEqual(healthPorts('x', ['A=1'], many).length, 20);
    assert.equal(healthPorts('x', [], many)[0], 1001);
    assert.deepEqual(healthPorts('x', [], []), []);
  });

  test('are the one that a variable names, in any case of letters; its own counts more than its image’s', () => {
    assert.deepEqual(healthPorts('x', ['healthcheck_tcp_port=8'], ['6379/tcp']), [8]);
    assert.deepEqual(healthPorts('x', ['HEALTHCHECK_TCP_PORT=8', 'HEALTHCHECK_TCP_PORT=9'], []), [9]);
  });

  for (const value of ['', 'http', '0', '65536', '-1', '80,81', '1e3', ' 80']) {
    test(`are the author's mistake: ${JSON.stringify(value)}`, () =>
      assert.throws(() => healthPorts('x', [`HEALTHCHECK_TCP_PORT=${value}`], []), { code: 'service-port-invalid' }));
  }
});
