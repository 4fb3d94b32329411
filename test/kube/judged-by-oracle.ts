/** ConfigMaps that an oracle writes at random and a function is told of: whether it was told what it had to be. */
import { eventually } from '../builders/eventually.ts';
import { record, type Recorder } from './event-cluster.ts';
import { createObjectOracle, type ObjectOracle } from './object-oracle.ts';

export interface JudgedObjects {
  readonly oracle: ObjectOracle;
  readonly seen: Recorder;
  write(count: number): Promise<void>;
  /** Waits until every final state was told, nothing invented, calls of an object in order. */
  agrees(): Promise<void>;
}

/** `name`: of the function, and the value of the label that selects. `told`: what a failure shows besides the complaints. */
export async function judgedByOracle(
  world: Parameters<typeof record>[0],
  name: string,
  seed: number,
  told: () => readonly unknown[] = () => [],
  limitMs?: number,
): Promise<JudgedObjects> {
  const labels = { test: name };
  const seen = await record(world, name, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    labelSelector: { matchLabels: labels },
    events: ['Added', 'Modified', 'Deleted', 'Left'],
  });
  await seen.ready();
  const oracle = createObjectOracle(world.client, labels, seed);
  let complaints: readonly string[] = [];
  return {
    oracle,
    seen,
    async write(count) {
      for (let index = 0; index < count; index += 1) await oracle.write();
    },
    async agrees() {
      await eventually(
        'every final state was told',
        async () => (complaints = oracle.judge(await seen.calls())).length === 0,
        () => [complaints.slice(0, 10), ...told()],
        limitMs,
      );
    },
  };
}
