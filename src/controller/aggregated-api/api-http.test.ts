/** Who may hold connections of the aggregated API: they are all that strangers can use up. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, suite, test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { issueCertificate, makeAuthority, type KeyPair } from '../certificates/make-certificates.ts';
import { openApiListener, type ApiListener } from './api-http.ts';
import type { FrontProxy } from './front-proxy.ts';

const validity = { from: Date.now() - 1_000, until: Date.now() + 3_600_000 };
const closed = (socket: TLSSocket): Promise<void> =>
  new Promise((resolve) => void socket.resume().once('close', () => resolve()));
const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

suite('connections to the aggregated API', () => {
  let listener: ApiListener;
  let own: KeyPair;
  before(async () => {
    const authority = await makeAuthority('front-proxy-ca', validity);
    own = await issueCertificate(authority, ['front-proxy-client'], validity, 'clientAuth');
    const proxy: FrontProxy = {
      authority: authority.certificate,
      names: ['front-proxy-client'],
      userHeaders: ['x-remote-user'],
      groupHeaders: [],
      extraPrefixes: [],
    };
    listener = await openApiListener({
      host: '127.0.0.1',
      port: 0,
      certificate: await issueCertificate(authority, ['api'], validity),
      log: quiet,
      frontProxy: () => proxy,
      answer: async ({ user }) => ({ kind: 'document', document: { user: user.name } }),
      wall: () => 0,
      limits: { all: 10, ofAddress: 2, patienceMs: 200 },
    });
  });
  after(() => listener.close());

  function dial(pair?: KeyPair): TLSSocket {
    const { port } = listener;
    const shown = pair === undefined ? {} : { cert: pair.certificate, key: pair.key };
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...shown });
    socket.on('error', () => undefined);
    return socket;
  }

  test('a stranger who says nothing loses its connection; the front proxy keeps it', async () => {
    const proxy = dial(own);
    await once(proxy, 'secureConnect');
    const stranger = dial();
    await closed(stranger);
    assert.equal(proxy.destroyed, false);
    proxy.write('GET / HTTP/1.1\r\nHost: api\r\nX-Remote-User: ada\r\nConnection: close\r\n\r\n');
    const [answer] = (await once(proxy, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200[^]*"user":"ada"/);
    await closed(proxy);
  });

  test('one address has so many connections, and gets another when one is gone', async () => {
    const [one, two] = [dial(own), dial(own)];
    await Promise.all([once(one, 'secureConnect'), once(two, 'secureConnect')]);
    const third = dial(own);
    let greeted = false;
    third.once('secureConnect', () => (greeted = true));
    await closed(third);
    assert.equal(greeted, false);
    assert.ok(!one.destroyed && !two.destroyed, 'the control');
    one.destroy();
    two.destroy();
    for (let joined = false; !joined;) {
      const again = dial(own);
      joined = await Promise.race([
        new Promise<boolean>((resolve) => void again.once('secureConnect', () => resolve(true))),
        closed(again).then(() => false),
      ]);
      again.destroy();
    }
  });
});
