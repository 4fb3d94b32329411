/**
 * Changes Pods at a steady rate, in a process of its own: `node cluster-events-load.ts ORDER`. Ends with one line of JSON:
 * what was written when, by the clock of the machine.
 */
import type { KubeObject } from '../src/controller/kube-object.ts';
import { Pool } from 'undici';

export interface LoadOrder {
  readonly server: string;
  readonly token: string;
  /** PEM. */
  readonly ca: string;
  /** Of the pods; those with `labelSelector` are changed. */
  readonly path: string;
  readonly labelSelector: string;
  readonly perSecond: number;
  readonly seconds: number;
}

export interface LoadReport {
  /** Names of the pods that were touched. */
  readonly touched: readonly string[];
  readonly writes: readonly Write[];
  /** Writes that the API server refused. */
  readonly refused: number;
  /** Seconds of a processor that writing took. */
  readonly cpu: number;
}

/** Version: of the state it made. Times are milliseconds since the epoch. */
export type Write = readonly [version: number, askedAt: number, answeredAt: number];

const order = JSON.parse(process.argv[2] ?? '{}') as LoadOrder;
/** An API server that takes less is not given more. */
const mostAtOnce = 64;
// Nothing but requests: whoever writes takes the processors from what is measured.
const pool = new Pool(order.server, { connections: mostAtOnce, connect: { ca: order.ca } });

const now = (): number => performance.timeOrigin + performance.now();
const touched = new Set<string>();
const writes: Write[] = [];
let refused = 0;
/** What leaves the selection. */
const without = { metadata: { labels: { app: null } } };
const metadata = 'PartialObjectMetadata';

async function send(
  method: 'GET' | 'PATCH' | 'DELETE',
  path: string,
  kind: string,
  body?: unknown,
): Promise<{ readonly ok: boolean; readonly text: string }> {
  const answer = await pool.request({
    method,
    path,
    headers: {
      authorization: `Bearer ${order.token}`,
      // The whole pod in an answer would cost both sides more than the version that is wanted of it.
      accept: `application/json;as=${kind};g=meta.k8s.io;v=v1`,
      ...(body === undefined ? {} : { 'content-type': 'application/merge-patch+json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { ok: answer.statusCode < 400, text: await answer.body.text() };
}

const query = new URLSearchParams({ labelSelector: order.labelSelector }).toString();
const listed = await send('GET', `${order.path}?${query}`, 'PartialObjectMetadataList');
if (!listed.ok) throw new Error(listed.text);
const { items } = JSON.parse(listed.text) as { readonly items: readonly KubeObject[] };
const living = items.map(({ metadata }) => metadata.name);

/** One of 40 is deleted, one of 40 leaves the selection; the others report something. */
async function change(count: number): Promise<void> {
  const place = (count * 7_919) % living.length;
  const name = living[place] ?? '';
  const path = `${order.path}/${name}`;
  const kind = count % 40;
  if (kind === 0 || kind === 20) living.splice(place, 1);
  const askedAt = now();
  const answer =
    kind === 0
      ? await send('DELETE', path, metadata)
      : kind === 20
        ? await send('PATCH', path, metadata, without)
        : await send('PATCH', `${path}/status`, metadata, { status: { phase: 'Running', message: String(count) } });
  if (!answer.ok) refused += 1;
  else writes.push([Number((JSON.parse(answer.text) as KubeObject).metadata.resourceVersion), askedAt, now()]);
  touched.add(name);
}

const began = performance.now();
const running = new Set<Promise<void>>();
const total = order.perSecond * order.seconds;
for (let count = 1; count <= total;) {
  const due = Math.min(total, Math.floor(((performance.now() - began) / 1000) * order.perSecond));
  for (; count <= due && running.size < mostAtOnce; count += 1) {
    const one = change(count).finally(() => running.delete(one));
    running.add(one);
  }
  await new Promise((resolve) => setTimeout(resolve, 2));
}
await Promise.all(running);
await pool.close();
const { user, system } = process.cpuUsage();
const report: LoadReport = { touched: [...touched], writes, refused, cpu: (user + system) / 1e6 };
process.stdout.write(`${JSON.stringify(report)}\n`);
