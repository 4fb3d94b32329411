/** A watch of a benchmark's own, beside those of the controller: when the API server told of each state. */
import { bodyOf } from '../test/kube/with-control-plane.ts';
import type { KubeClient } from '../src/controller/kube-client.ts';
import type { LoadReport } from './cluster-events-load.ts';
import type { Recorder } from './cluster-events-recorder.ts';
import { quantile, type Measure } from './measure.ts';

/** Of an object's metadata: nothing else of a Pod has a field of that name. */
const versionField = /"resourceVersion":"(\d+)"/;

/** Version of a state → when its line came, milliseconds since the epoch. */
export async function watchPods(
  client: KubeClient,
  path: string,
  labelSelector: string,
): Promise<{ readonly seen: ReadonlyMap<number, number>; stop(): void }> {
  const { metadata } = bodyOf(
    await client.request<{ readonly metadata: { readonly resourceVersion: string } }>({ path, query: { limit: 1 } }),
  );
  const query = { watch: true, resourceVersion: metadata.resourceVersion, labelSelector };
  const opened = await client.stream({ path, query });
  if (!opened.ok) throw new Error(opened.message);
  const { lines, close } = opened.body;
  const seen = new Map<number, number>();
  async function read(): Promise<void> {
    for await (const line of lines) {
      const at = performance.timeOrigin + performance.now();
      // Parsed, the whole line would take as much of a processor as the controller's own reading.
      const version = Number(versionField.exec(line)?.[1]);
      if (!seen.has(version)) seen.set(version, at);
    }
  }
  // Ended by `stop`, which breaks the connection.
  const reading = read().catch(() => undefined);
  return {
    seen,
    stop() {
      close();
      void reading;
    },
  };
}

/** How much of the way is the API server's own, and how much comes after its line. */
export function linesBeside(
  { writes }: LoadReport,
  { told }: Recorder,
  seen: ReadonlyMap<number, number>,
): readonly Measure[] {
  const own = writes.flatMap(([version, , answeredAt]) => {
    const at = seen.get(version);
    return at === undefined ? [] : [Math.max(0, at - answeredAt)];
  });
  const after = [...told.values()].flat().flatMap(({ event, version, at }) => {
    const since = event === 'modified' ? seen.get(version) : undefined;
    return since === undefined ? [] : [Math.max(0, at - since)];
  });
  const p99 = (waits: readonly number[]): string => `p99 ${quantile(waits, 0.99).toFixed(0)} ms`;
  return [
    {
      name: 'its line on a watch beside the controller’s, p50',
      value: quantile(own, 0.5),
      unit: 'ms',
      note: `${p99(own)}: from the response of the write, by the API server alone`,
    },
    { name: 'from that line to the function, p50', value: quantile(after, 0.5), unit: 'ms', note: p99(after) },
  ];
}
