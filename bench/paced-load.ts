/** One request after the other at a steady pace, from a process of its own; answers how long each took, in milliseconds. */
import { Agent, get } from 'node:http';

export interface PacedOrder {
  readonly url: string;
  readonly count: number;
  /** From the start of one to the start of the next, at least. */
  readonly everyMs: number;
}

const { url, count, everyMs } = JSON.parse(process.argv[2] ?? '{}') as PacedOrder;
const agent = new Agent({ keepAlive: true });

function request(): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    get(url, { agent }, (response) => {
      if (response.statusCode !== 200) reject(new Error(`answered ${response.statusCode}`));
      response.resume().on('end', () => resolve(performance.now() - began));
    }).on('error', reject);
  });
}

// The first ones compile this program.
for (let warm = 0; warm < 20; warm += 1) await request();
const took: number[] = [];
for (let index = 0; index < count; index += 1) {
  const spent = await request();
  took.push(spent);
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, everyMs - spent)));
}
agent.destroy();
process.send?.(took);
