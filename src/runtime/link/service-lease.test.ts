import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answer } from '../../link/exchange.ts';
import type { ServicesAnswer } from '../../link/service-lease.ts';
import { defaultPolicy, type InstallationPolicy } from '../../policy/installation-policy.ts';
import { createServiceLease } from './service-lease.ts';

const none = defaultPolicy('https://hooks.example.com');
const own: InstallationPolicy = { ...none, egress: { ...none.egress, clusterServices: 'Own' } };
const shop = { 'team-a': ['10.0.0.1'] };
const away: Answer = { ok: false, code: 'Away', message: 'the link is down' };

/** Time that passes when the test says so: timers ring in their order. */
function handClock() {
  const timers = new Map<() => void, { at: number; readonly every?: number }>();
  let time = 0;
  const add = (ring: () => void, at: number, every?: number): (() => void) => {
    timers.set(ring, { at, ...(every === undefined ? {} : { every }) });
    return () => void timers.delete(ring);
  };
  return {
    clock: {
      now: () => time,
      after: (milliseconds: number, ring: () => void) => add(ring, time + milliseconds),
      every: (milliseconds: number, ring: () => void) => add(ring, time + milliseconds, milliseconds),
    },
    async pass(milliseconds: number) {
      const end = time + milliseconds;
      for (;;) {
        const [next] = [...timers]
          .filter(([, { at }]) => at <= end)
          .toSorted(([, one], [, other]) => one.at - other.at);
        if (next === undefined) break;
        const [ring, timer] = next;
        time = timer.at;
        if (timer.every === undefined) timers.delete(ring);
        else timer.at += timer.every;
        ring();
        await new Promise((resolve) => setImmediate(resolve));
      }
      time = end;
    },
  };
}

/** A runtime with two controllers, each of which answers as the test says. */
function leased() {
  const { clock, pass } = handClock();
  const controllers: (() => Promise<Answer>)[] = [];
  const questions: object[] = [];
  const applied: InstallationPolicy[] = [];
  const lease = createServiceLease({
    apply: async (policy) => void applied.push(policy),
    ask(question) {
      questions.push(question);
      return controllers.map((answer) => answer());
    },
    clock,
    onFailed: (error) => assert.fail(String(error)),
  });
  return {
    lease,
    pass,
    controllers,
    questions,
    applied,
    open: () => applied.at(-1)?.egress.services,
  };
}

const saying =
  (services: ServicesAnswer['services'], digest = 'one') =>
  async (): Promise<Answer> => ({
    ok: true,
    body: { digest, forMs: 10_000, ...(services === undefined ? {} : { services }) },
  });

test('a runtime whose links are down keeps addresses for the lease, and no longer', async () => {
  const { lease, controllers, open, pass } = leased();
  controllers.push(saying(shop));
  await lease.setPolicy(own);
  assert.deepEqual(open(), shop);
  await pass(60_000);
  assert.deepEqual(open(), shop, 'control: a lease that is renewed goes on');
  controllers[0] = async () => away;
  await pass(8_000);
  assert.deepEqual(open(), shop);
  await pass(2_001);
  assert.equal(open(), undefined);
  controllers[0] = saying(shop);
  await pass(2_000);
  assert.deepEqual(open(), shop);
  lease.close();
});

test('while one controller restarts, or is silent, the other one renews', async () => {
  const { lease, controllers, open, pass, applied } = leased();
  controllers.push(saying(shop), saying(shop));
  await lease.setPolicy(own);
  const { length } = applied;
  controllers[0] = () => new Promise(() => undefined);
  await pass(60_000);
  assert.deepEqual(open(), shop);
  controllers[0] = async () => away;
  await pass(60_000);
  assert.deepEqual(open(), shop);
  assert.equal(applied.length, length, 'workers are told nothing that they know');
  lease.close();
});

test('an answer counts from the moment of its question, and an unchanged one only for what is held', async () => {
  const { lease, controllers, open, pass } = leased();
  let arrive = (): void => undefined;
  controllers.push(
    () => new Promise((resolve) => (arrive = () => void saying(shop)().then((answer) => resolve(answer)))),
  );
  const set = lease.setPolicy(own);
  await pass(9_999);
  arrive();
  await set;
  assert.deepEqual(open(), shop);
  controllers[0] = saying(undefined, 'another');
  await pass(1);
  assert.equal(open(), undefined, 'it held for a millisecond');
  await pass(4_000);
  assert.equal(open(), undefined);
  lease.close();
});

test('what a policy says of Services itself is not believed, and one that opens none asks for none', async () => {
  const { lease, controllers, questions, open, pass, applied } = leased();
  controllers.push(async () => away);
  await lease.setPolicy({ ...own, egress: { ...own.egress, services: shop } });
  assert.equal(open(), undefined);
  controllers[0] = saying(shop);
  await pass(2_000);
  assert.deepEqual(open(), shop);
  await lease.setPolicy(none);
  assert.equal(open(), undefined);
  const asked = questions.length;
  await pass(60_000);
  assert.equal(questions.length, asked);
  assert.equal(applied.at(-1)?.egress.clusterServices, 'None');
  lease.close();
});
