/** Controllers and runtimes that end with the test file that opened them, the last one first. */
import { after } from 'node:test';
import { startController, startRuntime, type TestController, type TestRuntime } from './cluster.ts';

interface Opened {
  /** What else is to end with the file. */
  readonly closing: (() => Promise<void> | void)[];
  controller(...options: Parameters<typeof startController>): Promise<TestController>;
  runtime(...options: Parameters<typeof startRuntime>): Promise<TestRuntime>;
}

/** To be called once, at the top of the file. */
export function openForFile(): Opened {
  const closing: Opened['closing'] = [];
  after(async () => {
    for (const close of closing.reverse()) await close();
  });
  return {
    closing,
    async controller(...options) {
      const made = await startController(...options);
      closing.push(() => made.server.close());
      return made;
    },
    async runtime(...options) {
      const made = await startRuntime(...options);
      closing.push(() => made.client.close());
      return made;
    },
  };
}
