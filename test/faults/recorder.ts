/**
 * What stands outside the program and remembers everything: senders that repeat what was not answered, and a receiver
 * that is told of every start and end of a call and takes webhooks, as well or as badly as receivers do.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answer, hostile, type Behaviour } from '../builders/webhook-receiver.ts';

export interface Told {
  readonly what: 'start' | 'end';
  readonly id: string;
  readonly attempt: number;
  readonly process: string;
  /** Monotonic milliseconds. */
  readonly at: number;
}

export interface Recorder {
  readonly url: string;
  /** Everything calls told, in order of arrival. */
  readonly told: readonly Told[];
  /** Order → ids of the webhooks that were answered 204. */
  readonly hooks: ReadonlyMap<string, ReadonlySet<string>>;
  /** How webhooks were answered, by kind. */
  readonly answers: ReadonlyMap<string, number>;
  /** Orders that were sent, and whether they were answered 202. */
  readonly sent: ReadonlyMap<string, boolean>;
  readonly counts: { accepted: number; duplicates: number; unanswered: number };
  /** Answers other than 202, by status and code. */
  readonly refused: ReadonlyMap<string, number>;
  /** Misbehaves as a receiver: the share of webhooks that are not taken. */
  misbehave(share: number): void;
  /** Sends new orders to `url` until the signal, or until the program is gone; what had no answer before goes first. */
  send(url: string, signal: AbortSignal): Promise<void>;
  /** Sends one order under a name of its own; false: there was no answer. */
  sendAs(url: string, id: string): Promise<boolean>;
  /** Repeats what had no answer until everything has one, or the program is gone. */
  sendRest(url: string): Promise<void>;
  close(): Promise<void>;
}

const misbehaviours: Readonly<Record<string, Behaviour>> = {
  ...hostile,
  'status 503': answer(503),
  'status 500': answer(500, {}, 'no'),
  'status 429': answer(429, { 'retry-after': '1' }),
  'status 302': answer(302, { location: 'http://127.0.0.1:1/elsewhere' }),
};

/** `failing`: the share of orders whose first attempts fail on purpose. */
export async function startRecorder(random: () => number, failing = 0.1): Promise<Recorder> {
  const told: Told[] = [];
  const hooks = new Map<string, Set<string>>();
  const answers = new Map<string, number>();
  const sent = new Map<string, boolean>();
  const counts = { accepted: 0, duplicates: 0, unanswered: 0 };
  const refused = new Map<string, number>();
  const failures = new Map<string, number>();
  let misbehaving = 0;
  let made = 0;

  function takeHook(body: string, webhookId: string, response: ServerResponse): void {
    const names = Object.keys(misbehaviours);
    const name = random() < misbehaving ? names[Math.floor(random() * names.length)] : undefined;
    answers.set(name ?? 'taken', (answers.get(name ?? 'taken') ?? 0) + 1);
    if (name !== undefined) {
      const received = { method: 'POST', path: '/hook', headers: {}, body, at: performance.now() };
      misbehaviours[name]?.(response, received, 1);
      return;
    }
    const { id } = (JSON.parse(body) as { readonly data: { readonly id: string } }).data;
    hooks.set(id, (hooks.get(id) ?? new Set()).add(webhookId));
    response.writeHead(204).end();
  }

  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://recorder');
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const what = url.pathname.slice(1);
      if (what === 'hook') {
        takeHook(Buffer.concat(chunks).toString(), String(request.headers['webhook-id']), response);
        return;
      }
      if (what === 'start' || what === 'end') {
        const of = (name: string): string => url.searchParams.get(name) ?? '';
        told.push({
          what,
          id: of('id'),
          attempt: Number(of('attempt')),
          process: of('process'),
          at: performance.now(),
        });
      }
      response.writeHead(204).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  /** False: there was no answer; the program is gone, or this answer is. */
  async function sendOne(url: string, id: string): Promise<boolean> {
    try {
      const response = await fetch(`${url}/default/take`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ id, fail: failures.get(id) ?? 0, filler: 'x'.repeat(500) }),
        signal: AbortSignal.timeout(20_000),
      });
      const text = await response.text();
      if (response.status !== 202) {
        const name = `${response.status} ${/"code":"(\w+)"/.exec(text)?.[1] ?? ''}`;
        refused.set(name, (refused.get(name) ?? 0) + 1);
        return true;
      }
      if (response.headers.get('x-moonhook-duplicate-of') === null) counts.accepted += 1;
      else counts.duplicates += 1;
      sent.set(id, true);
      return true;
    } catch {
      counts.unanswered += 1;
      return false;
    }
  }

  const unanswered = (): string[] => [...sent].filter(([, answered]) => !answered).map(([id]) => id);

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    told,
    hooks,
    answers,
    sent,
    counts,
    refused,
    misbehave: (share) => void (misbehaving = share),
    async send(url, signal) {
      for (const id of unanswered()) if (!signal.aborted && !(await sendOne(url, id))) return;
      while (!signal.aborted) {
        const id = `o${made++}`;
        sent.set(id, false);
        if (random() < failing) failures.set(id, 1 + Math.floor(random() * 2));
        if (!(await sendOne(url, id))) return;
        // A sender that did not see our answer sends it again.
        if (random() < 0.1 && !signal.aborted && !(await sendOne(url, id))) return;
      }
    },
    async sendAs(url, id) {
      sent.set(id, false);
      return await sendOne(url, id);
    },
    async sendRest(url) {
      const until = performance.now() + 60_000;
      while (performance.now() < until) {
        const left = unanswered();
        if (left.length === 0) return;
        for (const id of left) if (!(await sendOne(url, id))) return;
      }
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
