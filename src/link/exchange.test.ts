import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { type Answerer, type Answer, ExchangeDesk } from './exchange.ts';
import type { Exchange } from './protocol.ts';

/** Two desks with nothing between; time stands still until it is told otherwise. */
function pair(answer: Answerer<string>, most = 2) {
  const timers: (() => void)[] = [];
  const sent: Exchange<string>[] = [];
  const after = (_milliseconds: number, callback: () => void) => {
    timers.push(callback);
    return () => void timers.splice(timers.indexOf(callback), 1);
  };
  const nothing: Answerer<string> = async () => ({ ok: false, code: 'Unsupported', message: '' });
  const asking: ExchangeDesk<string, string> = new ExchangeDesk({
    send(message) {
      sent.push(message);
      answering.take(message);
    },
    answer: nothing,
    most,
    after,
  });
  const answering: ExchangeDesk<string, string> = new ExchangeDesk({
    send: (message) => asking.take(message),
    answer,
    most,
    after,
  });
  return { asking, answering, timers, sent };
}

const options = { timeoutMs: 1000 };

suite('ExchangeDesk', () => {
  test('an answer comes to its question', async () => {
    const { asking, timers } = pair(async (topic, body) => ({ ok: true, body: [topic, body] }));
    assert.deepEqual(await Promise.all([asking.ask('a', 1, options), asking.ask('b', 2, options)]), [
      { ok: true, body: ['a', 1] },
      { ok: true, body: ['b', 2] },
    ]);
    assert.equal(timers.length, 0);
  });

  test('whoever waits too long, or no more, has an answer, and the other side is told', async () => {
    const signals: AbortSignal[] = [];
    const { asking, timers } = pair((_topic, _body, signal) => {
      signals.push(signal);
      return new Promise(() => undefined);
    });
    const late = asking.ask('a', 1, options);
    for (const run of timers.slice()) run();
    assert.equal(((await late) as Answer & { ok: false }).code, 'TimedOut');
    const abort = new AbortController();
    const given = asking.ask('a', 2, { ...options, signal: abort.signal });
    abort.abort();
    assert.equal((await given).ok, false);
    assert.deepEqual(
      signals.map(({ aborted }) => aborted),
      [true, true],
    );
  });

  test('too many at once are refused on both sides, and a link that ends answers everybody', async () => {
    const { asking, answering } = pair(() => new Promise(() => undefined));
    const waiting = [asking.ask('a', 1, options), asking.ask('a', 2, options)];
    assert.deepEqual({ ...(await asking.ask('a', 3, options)), message: '' }, { ok: false, code: 'Busy', message: '' });
    let reply: Exchange<string> | undefined;
    const hostile: ExchangeDesk<string, string> = new ExchangeDesk({
      send: (message) => (reply = message),
      answer: () => new Promise(() => undefined),
      most: 1,
      after: () => () => undefined,
    });
    hostile.take({ kind: 'ask', id: 1, topic: 'a', body: 1 });
    hostile.take({ kind: 'ask', id: 2, topic: 'a', body: 1 });
    assert.deepEqual({ ...reply, message: '' }, { kind: 'answer', id: 2, ok: false, code: 'Busy', message: '' });
    asking.close();
    answering.close();
    for (const each of await Promise.all(waiting)) assert.equal(!each.ok && each.code, 'Away');
    assert.equal(((await asking.ask('a', 4, options)) as { code: string }).code, 'Away');
  });

  test('an answer that could not be made says so and no more', async () => {
    const { asking } = pair(() => Promise.reject(new Error('hunter2')));
    const answer = await asking.ask('a', 1, options);
    assert.equal(!answer.ok && answer.code, 'Failed');
    assert.ok(!JSON.stringify(answer).includes('hunter2'));
  });
});
