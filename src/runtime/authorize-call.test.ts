import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { authorizeCall } from './authorize-call.ts';

const good = { authorization: 'Bearer right-token', host: 'localhost:8081' };

suite('authorizeCall', () => {
  test('takes the token from this machine', () => {
    for (const host of ['localhost:8081', '127.0.0.1:8081', '[::1]:8081', 'LOCALHOST:8081']) {
      assert.deepEqual(authorizeCall({ ...good, host }, 'right-token', 8081), { ok: true }, host);
    }
    assert.deepEqual(authorizeCall({ ...good, origin: 'http://localhost:8081' }, 'right-token', 8081), { ok: true });
    assert.deepEqual(authorizeCall({ ...good, 'sec-fetch-site': 'none' }, 'right-token', 8081), { ok: true });
  });

  test('refuses other hosts, ports, origins and sites before it looks at the token', () => {
    const wrong = [
      { ...good, host: undefined },
      { ...good, host: 'localhost' },
      { ...good, host: 'localhost:8080' },
      { ...good, host: 'localhost.evil.example:8081' },
      { ...good, host: '127.0.0.1.nip.io:8081' },
      { ...good, origin: 'http://localhost:3000' },
      { ...good, origin: 'null' },
      { ...good, 'sec-fetch-site': 'cross-site' },
      { ...good, 'sec-fetch-site': 'same-site' },
    ];
    for (const headers of wrong) {
      const verdict = authorizeCall(headers, 'right-token', 8081);
      assert.ok(!verdict.ok && verdict.code === 'Forbidden', JSON.stringify(headers));
    }
  });

  test('refuses a missing, wrong or differently formed token, and says of each the same: where the right one is', () => {
    const details = new Set<string | undefined>();
    for (const authorization of [undefined, '', 'right-token', 'Basic right-token', 'Bearer', 'Bearer right-token2']) {
      const verdict = authorizeCall({ ...good, authorization }, 'right-token', 8081);
      assert.ok(!verdict.ok && verdict.code === 'Unauthorized', String(authorization));
      assert.match(verdict.publicDetail ?? '', /^send the token of this start .* each start makes a new one$/);
      details.add(verdict.publicDetail);
    }
    assert.equal(details.size, 1);
  });

  test('without a start-up token nobody passes', () => {
    assert.equal(authorizeCall({ ...good, authorization: 'Bearer undefined' }, undefined, 8081).ok, false);
  });
});
