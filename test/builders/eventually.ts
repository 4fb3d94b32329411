/** Waits on a condition, with a generous limit; what was seen last is in the failure. */
import { setTimeout as sleep } from 'node:timers/promises';

const usualLimitMs = 30_000;

/** Answers the first value of `look` that is not undefined or false. */
export async function eventually<Value>(
  what: string,
  look: () => Value | Promise<Value>,
  told: () => unknown = () => undefined,
  limitMs = usualLimitMs,
): Promise<Exclude<Value, undefined | false>> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const value = await look();
    if (value !== undefined && value !== false) return value as Exclude<Value, undefined | false>;
    if (Date.now() > deadline) throw new Error(`not within ${limitMs} ms: ${what}; ${JSON.stringify(told())}`);
    await sleep(20);
  }
}
