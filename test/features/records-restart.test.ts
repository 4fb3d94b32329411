/** What `calls` and `explain` tell after a restart: records lie beside the store. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../../src/store/open-store.ts';
import { serveFunctions } from '../builders/serve-functions.ts';

const code = `
  return {
    fine = function() return "fine" end,
    fails = function() log.warn("it will fail", { why = { "because", 7 } }) error("no use") end,
    later_on = function(event) if event.attempt < 2 then error("not yet") end end,
  }`;
const open = { open: {} };
const functions = [
  {
    name: 'jobs',
    code,
    retry: { schedule: ['10ms'] },
    triggers: [
      { name: 'fine', http: { path: 'fine', receiver: open } },
      { name: 'fails', http: { path: 'fails', receiver: open } },
      { name: 'later-on', http: { path: 'later-on', mode: 'async' as const, receiver: open } },
    ],
  },
];

test('records of calls and attempts are found after a restart, with log, error and host', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'moonhook-restart-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'store.db');
  const ids: string[] = [];
  {
    const store = await openStore({ path, onLost: (error) => assert.fail(error) });
    const served = await serveFunctions({ functions, store });
    for (const name of ['fine', 'fails', 'later-on']) {
      const answer = await fetch(`${served.url}/default/${name}`, { method: 'POST', body: '{}' });
      ids.push(answer.headers.get('x-call-id') ?? '');
    }
    await served.record({ trigger: 'later-on', outcomes: ['ok'] });
    await served.runtime.drain();
    await store.close();
  }
  const store = await openStore({ path, onLost: (error) => assert.fail(error) });
  const served = await serveFunctions({ functions, store });
  const { records } = served.runtime;
  const [fine] = await records.query({ id: ids[0] ?? '' });
  assert.deepEqual([fine?.outcome, fine?.trigger, fine?.status], ['ok', 'fine', 200]);
  const [failed] = await records.query({ id: ids[1] ?? '' });
  assert.match(failed?.error?.message ?? '', /no use/);
  assert.deepEqual(failed?.log?.[0]?.fields, new Map([['why', ['because', 7]]]));
  const attempts = await records.query({ id: ids[2] ?? '' });
  assert.deepEqual(
    attempts.map(({ outcome, attempt }) => [outcome, attempt]),
    [
      ['ok', 2],
      ['error', 1],
      ['accepted', undefined],
    ],
  );
  await served.close();
  await store.close();
});
