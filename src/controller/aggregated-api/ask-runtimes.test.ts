import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../link/exchange.ts';
import { createRuntimes } from './ask-runtimes.ts';

const namespaceOf = (name: string) => ({ name, uid: `uid-${name}` });

/** One runtime that answers nothing before the test says so. */
function runtimes() {
  const open: (() => void)[] = [];
  const asked = createRuntimes(
    {
      runtimes: () => [
        {
          runtime: 'runtime',
          podName: 'runtime',
          podUid: 'pod',
          group: 'default',
          connected: true,
          ready: true,
          acknowledgements: new Map(),
        },
      ],
      ask: () =>
        new Promise<Answer>((resolve) =>
          open.push(() => resolve({ ok: true, body: { status: 200, body: { calls: [] } } })),
        ),
    },
    () => 0,
  );
  return {
    open,
    follow: async (name: string) => {
      const scope = name === '' ? {} : { namespace: namespaceOf(name) };
      const question = { op: 'follow', ...scope, query: {}, depth: 'outline', cursor: '', waitMs: 20_000 } as const;
      const said = await asked.queryPod('pod', question);
      return said.ok ? 200 : said.refusal.status;
    },
  };
}

test('who asks about one namespace without an end leaves the link to the others', async () => {
  const { follow, open } = runtimes();
  const flood = Array.from({ length: 100 }, () => follow('team-b'));
  const ada = follow('team-a');
  assert.equal(open.length, 49);
  for (const answer of open.splice(0)) answer();
  assert.equal(await ada, 200);
  const statuses = await Promise.all(flood);
  assert.equal(statuses.filter((status) => status === 429).length, 52);
  assert.equal(statuses.filter((status) => status === 200).length, 48, 'control: so many were asked');

  // Places are given back.
  const again = follow('team-b');
  assert.equal(open.length, 1);
  open[0]?.();
  assert.equal(await again, 200);
});

test('all namespaces together leave places for what is not asked by people', async () => {
  const { follow, open } = runtimes();
  const all = Array.from({ length: 400 }, (_, index) => follow(`team-${index % 20}`));
  assert.equal(open.length, 192);
  for (const answer of open.splice(0)) answer();
  assert.equal((await Promise.all(all)).filter((status) => status === 429).length, 208);
});
