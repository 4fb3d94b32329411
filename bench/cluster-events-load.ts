/**
 * Changes Pods at a steady rate, in a process of its own: `node cluster-events-load.ts ORDER`. Ends with one line of JSON:
 * what was written when, by the clock of the machine.
 */
import type { KubeObject } from '../src/controller/kube-object.ts';
import { clientOf } from '../test/kube/with-control-plane.ts';

export interface LoadOrder {
  readonly kubeconfig: string;
  readonly pods: number;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface LoadReport {
  /** Names of the pods that were touched. */
  readonly touched: readonly string[];
  readonly writes: readonly Write[];
  /** Writes that the API server refused. */
  readonly refused: number;
}

/** Version: of the state it made. Times are milliseconds since the epoch. */
export type Write = readonly [version: number, askedAt: number, answeredAt: number];

const order = JSON.parse(process.argv[2] ?? '{}') as LoadOrder;
const client = clientOf(order.kubeconfig);

const now = (): number => performance.timeOrigin + performance.now();
const touched = new Set<string>();
const writes: Write[] = [];
const living = Array.from({ length: order.pods }, (_, index) => `pod-${index}`);
let refused = 0;
/** What leaves the selection. */
const without = { metadata: { labels: { app: null } } };

/** One of 40 is deleted, one of 40 leaves the selection; the others report something. */
async function change(count: number): Promise<void> {
  const place = (count * 7_919) % living.length;
  const name = living[place] ?? '';
  const path = `/api/v1/namespaces/team-a/pods/${name}`;
  const contentType = 'application/merge-patch+json';
  const kind = count % 40;
  if (kind === 0 || kind === 20) living.splice(place, 1);
  const askedAt = now();
  const answer =
    kind === 0
      ? await client.request<KubeObject>({ method: 'DELETE', path })
      : kind === 20
        ? await client.request<KubeObject>({ method: 'PATCH', path, contentType, body: without })
        : await client.request<KubeObject>({
            method: 'PATCH',
            path: `${path}/status`,
            contentType,
            body: { status: { phase: 'Running', message: String(count) } },
          });
  if (!answer.ok) refused += 1;
  else writes.push([Number(answer.body.metadata.resourceVersion), askedAt, now()]);
  touched.add(name);
}

const began = performance.now();
const running = new Set<Promise<void>>();
const total = order.perSecond * order.seconds;
/** An API server that takes less is not given more. */
const mostAtOnce = 64;
for (let count = 1; count <= total;) {
  const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * order.perSecond));
  for (; count <= due && running.size < mostAtOnce; count += 1) {
    const one = change(count).finally(() => running.delete(one));
    running.add(one);
  }
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await Promise.all(running);
await client.close();
process.stdout.write(`${JSON.stringify({ touched: [...touched], writes, refused } satisfies LoadReport)}\n`);
