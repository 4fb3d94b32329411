import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { StoreMeasures } from '../store/measures.ts';
import { tellDisk } from './tell-disk.ts';

const measures = (diskLow: boolean, freeBytes?: number): StoreMeasures =>
  ({ diskLow, ...(freeBytes === undefined ? {} : { freeBytes }) }) as StoreMeasures;

test('a disk that fills up and has room again is told once each, also at the start', async () => {
  const said: string[] = [];
  const note = (message: string, fields?: object): void => void said.push(`${message} ${JSON.stringify(fields)}`);
  let now = measures(true, 5 * 2 ** 20);
  let look: () => void = () => undefined;
  const stop = tellDisk({ measures: async () => now }, { info: note, warn: note }, (_, callback) => {
    look = callback;
    return () => (look = () => undefined);
  });
  for (const next of [now, now, measures(false, 2 ** 30), measures(true, 2 ** 20)]) {
    now = next;
    look();
    await turn();
  }
  assert.equal(said.length, 3);
  assert.match(said[0] ?? '', /nearly full: events get 503.*make room.*"freeMiB":5/);
  assert.match(said[1] ?? '', /room again.*1024/);
  stop();
  now = measures(false, 2 ** 30);
  look();
  await turn();
  assert.equal(said.length, 3, 'after its end nothing is said');
});

test('a store elsewhere is asked once, one that does not answer is asked again', async () => {
  let asked = 0;
  let answer: () => Promise<StoreMeasures> = async () => assert.fail('closed');
  let look: () => void = () => undefined;
  const quiet = { info: assert.fail, warn: assert.fail };
  tellDisk({ measures: () => ((asked += 1), answer()) }, quiet, (_, callback) => {
    look = callback;
    return () => (look = () => undefined);
  });
  await turn();
  answer = async () => measures(false);
  for (let index = 0; index < 3; index += 1) {
    look();
    await turn();
  }
  assert.equal(asked, 2);
});
