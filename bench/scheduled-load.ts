/**
 * Signed webhooks at a fixed rate whatever the answers do, from a process of its own: each is due at a moment that was fixed
 * beforehand, and its time counts from there, so that waiting for a slow program is not left out.
 */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface ScheduledOrder {
  /** `http://127.0.0.1:PORT/PATH`. */
  readonly url: string;
  readonly secret: string;
  readonly perSecond: number;
  readonly seconds: number;
  readonly connections: number;
}

export interface ScheduledAnswers {
  /** Milliseconds from when each was due, of those that were answered with 202. */
  readonly took: readonly number[];
  /** Answered otherwise, or not within `patienceMs` after the last was due. */
  readonly failed: number;
  /** How late the sender itself was at most, milliseconds: with free connections it is to be some. */
  readonly latestMs: number;
}

/** Sent before anything is measured: the program and this one are compiled by then. */
const warmSeconds = 1;
const patienceMs = 10_000;

interface Line {
  readonly socket: Socket;
  /** When what it waits for was due; undefined: it is free. */
  due: number | undefined;
  heard: string;
}

const order = JSON.parse(process.argv[2] ?? '{}') as ScheduledOrder;
const { hostname, port, pathname } = new URL(order.url);
const body = JSON.stringify({ ref: 'refs/heads/main', pad: 'x'.repeat(980) });
const signature = createHmac('sha256', order.secret).update(body).digest('hex');
const run = Date.now().toString(36);
const total = Math.round(order.perSecond * (order.seconds + warmSeconds));
const warm = Math.round(order.perSecond * warmSeconds);

const head =
  `POST ${pathname} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nUser-Agent: GitHub-Hookshot/bench\r\n` +
  `Accept: */*\r\nX-GitHub-Event: push\r\nX-Hub-Signature-256: sha256=${signature}\r\nContent-Length: ${body.length}\r\n` +
  `X-GitHub-Delivery: scheduled-${run}-`;

const took: number[] = [];
let failed = 0;
let latestMs = 0;
let sent = 0;
let answered = 0;
/** Requests that are due and wait for a connection. */
const waiting: number[] = [];
const free: Line[] = [];
let finish: () => void = () => undefined;
const finished = new Promise<void>((resolve) => (finish = resolve));

function send(line: Line, due: number): void {
  line.due = due;
  line.socket.write(`${head}${sent}\r\n\r\n${body}`, 'latin1');
  sent += 1;
}

function heard(line: Line, text: string): void {
  line.heard += text;
  const border = line.heard.indexOf('\r\n\r\n');
  if (border === -1) return;
  const length = /\r\ncontent-length: (\d+)/i.exec(line.heard.slice(0, border + 2))?.[1];
  if (length === undefined) throw new Error(`an answer without its length: ${line.heard.slice(0, border)}`);
  if (line.heard.length < border + 4 + Number(length)) return;
  const accepted = line.heard.startsWith('HTTP/1.1 202 ');
  line.heard = '';
  answered += 1;
  if (answered > warm) {
    if (accepted) took.push(performance.now() - (line.due ?? 0));
    else failed += 1;
  }
  line.due = undefined;
  const due = waiting.shift();
  if (due === undefined) free.push(line);
  else send(line, due);
  if (answered === total) finish();
}

async function open(): Promise<void> {
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  socket.setEncoding('latin1');
  const line: Line = { socket, due: undefined, heard: '' };
  socket.on('data', (text: string) => heard(line, text));
  await once(socket, 'connect');
  socket.on('error', (error) => {
    throw error;
  });
  free.push(line);
}

await Promise.all(Array.from({ length: order.connections }, open));
const lines = [...free];
const began = performance.now();
let scheduled = 0;
const ticking = setInterval(() => {
  const now = performance.now();
  while (scheduled < total) {
    const due = began + (scheduled * 1000) / order.perSecond;
    if (due > now) return;
    scheduled += 1;
    if (scheduled > warm) latestMs = Math.max(latestMs, now - due);
    // The one that has been free for longest: all of them are used.
    const line = free.shift();
    if (line === undefined) waiting.push(due);
    else send(line, due);
  }
}, 1);
const tooLate = setTimeout(finish, 1000 * (order.seconds + warmSeconds) + patienceMs);
await finished;
clearInterval(ticking);
clearTimeout(tooLate);
failed += total - answered;
for (const { socket } of lines) socket.destroy();
// A channel that is closed at once loses what is still on its way.
process.send?.({ took, failed, latestMs } satisfies ScheduledAnswers, () => process.disconnect());
