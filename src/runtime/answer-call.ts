/** Writes the answer, gives back what the call held, counts it and leaves its record: the one way a request ends. */
import type { Answer, Ending, HttpCall } from './http-call.ts';
import type { WorkerParts } from './worker-parts.ts';
import { corsHeaders } from './cors-headers.ts';

/** Does nothing for a call that was answered before. */
export function answerCall(call: HttpCall, parts: WorkerParts, answer: Answer, ending: Ending): void {
  if (call.answered) return;
  call.answered = true;
  try {
    writeAnswer(call, parts, answer);
  } catch (error) {
    // A header that cannot be sent: what the call held is given back, and nobody waits for an answer that never comes.
    call.response.destroy();
    if (!call.continues) endCall(call, parts, 0, { outcome: 'error', code: 'Internal' });
    throw error;
  }
  if (!call.continues) endCall(call, parts, answer.status, ending);
}

/** Counts and records a call whose answer is written. */
export function endCall(call: HttpCall, parts: WorkerParts, status: number, ending: Ending): void {
  if (call.releases !== undefined) {
    for (const release of call.releases) release();
    call.releases = undefined;
  }
  const row = call.trigger?.row ?? call.fn?.callRow;
  if (row !== undefined) {
    if (call.ranMs === undefined) parts.counters.count(row, ending.outcome);
    else {
      const { usage } = call;
      parts.counters.countRun(row, ending.outcome, call.ranMs, usage?.cpuMs ?? 0, usage?.memoryPeakBytes ?? 0);
    }
  }
  if (parts.catching.active) parts.catching.take(call);
  parts.records.addCall(call, status, ending, call.endedAt ?? parts.clock.monotonic());
}

function writeAnswer(call: HttpCall, parts: WorkerParts, answer: Answer): void {
  const { response } = call;
  parts.openRequests -= 1;
  if (response.destroyed || response.headersSent) return;
  const { status, body } = answer;
  const plain = typeof body === 'string' && isPlain(body);
  const bodyless = status === 204 || status === 304;
  const length = bodyless ? undefined : String(lengthOf(body, plain));
  const headers = headerLines(call, parts, answer.headers ?? noHeaders, length);
  // A body that was not read to its end would be taken for the next request.
  if (parts.draining || (!call.request.complete && !call.head.hasNoBody)) headers.push('connection', 'close');
  response.writeHead(status, headers);
  if (bodyless || body === undefined || call.method === 'HEAD') response.end();
  else if (plain) response.end(body, 'latin1');
  // Node encodes head and text together: a header beyond ASCII, which is bytes already, would be encoded twice.
  else if (typeof body === 'string' && !headers.every(isAscii)) response.end(Buffer.from(body));
  else response.end(body);
  limitReading(call, parts);
}

const noHeaders: NonNullable<Answer['headers']> = [];

/** Names and values alternating. */
function headerLines(
  call: HttpCall,
  parts: WorkerParts,
  own: NonNullable<Answer['headers']>,
  length: string | undefined,
): string[] {
  const cors = corsHeaders(call);
  const isPublic = call.listener === 'public';
  const [only] = own;
  if (isPublic && !call.ownsHost && cors === undefined && own.length <= 1 && length !== undefined) {
    // What most answers have: an array as long as it has to be.
    if (only === undefined) {
      return [
        'x-call-id',
        call.id,
        'x-content-type-options',
        'nosniff',
        'content-security-policy',
        'sandbox',
        'content-length',
        length,
      ];
    }
    const [name, value] = only;
    return [
      'x-call-id',
      call.id,
      name,
      value,
      'x-content-type-options',
      'nosniff',
      'content-security-policy',
      'sandbox',
      'content-length',
      length,
    ];
  }
  const headers: string[] = ['x-call-id', call.id];
  if (!isPublic) {
    headers.push('x-duration-seconds', ((parts.clock.monotonic() - call.startedAt) / 1000).toFixed(6));
  }
  for (const [name, value] of own) headers.push(name, value);
  if (!call.ownsHost) {
    headers.push('x-content-type-options', 'nosniff');
    if (isPublic) headers.push('content-security-policy', 'sandbox');
  }
  if (cors !== undefined) headers.push(...cors);
  if (length !== undefined) headers.push('content-length', length);
  return headers;
}

/** Longer texts are left to Node: a look at each character is quick for short ones only. */
const shortBody = 512;

/** ASCII: written without a look at the encoding of each character, which for small answers is half of the copying. */
function isPlain(body: string): boolean {
  return body.length <= shortBody && isAscii(body);
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) if (text.charCodeAt(at) > 127) return false;
  return true;
}

function lengthOf(body: Answer['body'], plain: boolean): number {
  if (body === undefined) return 0;
  return typeof body === 'string' && !plain ? Buffer.byteLength(body) : body.length;
}

/** An answer that is taken slower than this in one `sendTimeoutMs` is not being read. */
const leastBytes = 16 * 1024;

/** What the other side does not take off our hands holds memory: a reader that stands still is given up, whatever it sends. */
function limitReading({ request, response, ip }: HttpCall, parts: WorkerParts): void {
  const { socket } = request;
  if (response.writableFinished || response.writableLength === 0) return;
  const left = (): number => (socket.destroyed ? 0 : response.writableLength + socket.writableLength);
  const forget = parts.unread.add({
    address: ip,
    left: () => (socket.destroyed ? 0 : response.writableLength),
    giveUp: () => socket.destroy(),
  });
  let before = left();
  const stop = parts.every(parts.settings.inbound.sendTimeoutMs, () => {
    // One that waited behind others on its connection hears nothing when that closes.
    if (socket.destroyed) return end();
    // An answer behind others on the same connection has not begun.
    if (response.socket === null) return;
    const now = left();
    if (before - now < leastBytes) socket.destroy();
    before = now;
  });
  const end = (): void => {
    stop();
    forget();
  };
  response.once('close', end);
}
