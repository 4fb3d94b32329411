import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import {
  functionEntry,
  httpTriggerEntry,
  routeTable,
  scheduleTriggerEntry,
} from '../../test/builders/function-entry.ts';
import { dumpTable, mask } from './dump-table.ts';
import { encodeEntry } from './wire-format.ts';
import type { FunctionEntry } from './types.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function entryWith(secrets: readonly [string, string, string, string]): FunctionEntry {
  const [env, receiver, named, callback] = secrets;
  return functionEntry({
    env: { PLAIN: 'visible', TOKEN: env },
    secretEnv: ['TOKEN'],
    callback: { urls: ['*.example.com'], secrets: [base64(callback)] },
    triggers: [
      httpTriggerEntry({
        receiver: {
          name: 'hmac',
          fields: { algorithm: 'sha256' },
          secrets: [base64(receiver), base64(receiver)],
          namedSecrets: { verifyTokenRef: base64(named) },
        },
        callback: { urls: ['*.example.com'], secrets: [base64(callback)] },
      }),
      scheduleTriggerEntry(),
    ],
  });
}

test('no secret shows up in the dump, in any form', () => {
  const secret = fc.stringMatching(/^[A-Za-z0-9]{16,32}$/).map((text) => `SECRET${text}`);
  fc.assert(
    fc.property(fc.tuple(secret, secret, secret, secret), (secrets) => {
      const entry = entryWith(secrets);
      const text = JSON.stringify(dumpTable(routeTable([entry])));
      const whole = encodeEntry(entry);
      for (const one of secrets) {
        const forms = [one, base64(one), Buffer.from(one).toString('hex')];
        for (const form of forms) assert.ok(!text.includes(form), `${form} is in the dump`);
        // The control: the entry itself does hold them, so the search could have found them.
        assert.ok(forms.some((form) => whole.includes(form)));
      }
    }),
    { numRuns: 100 },
  );
});

test('everything else is there: routes, limits, names of variables, how many secrets', () => {
  const dump = dumpTable(routeTable([entryWith(['a', 'b', 'c', 'd'])], 7));
  assert.equal(dump.version, 7);
  const [one] = dump.functions;
  assert.deepEqual(one?.env, { PLAIN: 'visible', TOKEN: mask });
  const [trigger] = (one?.triggers ?? []) as readonly { receiver: unknown; routes: unknown }[];
  assert.deepEqual(trigger?.receiver, {
    name: 'hmac',
    fields: { algorithm: 'sha256' },
    secrets: [mask, mask],
    namedSecrets: { verifyTokenRef: mask },
  });
  assert.deepEqual(trigger?.routes, [{ path: '/team-a/hook', methods: [] }]);
});

test('functions are listed by namespace and name', () => {
  const table = routeTable([
    functionEntry({ name: 'b' }),
    functionEntry({ namespace: 'a', name: 'z' }),
    functionEntry({ name: 'a' }),
  ]);
  assert.deepEqual(
    dumpTable(table).functions.map(({ namespace, name }) => `${String(namespace)}/${String(name)}`),
    ['a/z', 'team-a/a', 'team-a/b'],
  );
});
