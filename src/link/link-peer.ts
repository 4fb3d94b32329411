/** One end of an open link: reads and writes messages, keeps it alive, closes it when the other side breaks the rules. */
import type { RawData, WebSocket } from 'ws';
import { type Answer, type Answerer, type AskOptions, ExchangeDesk } from './exchange.ts';
import { closeCodes, type Exchange, type LinkLimits } from './protocol.ts';
import { RateBucket } from './rate-bucket.ts';
import type { ReadMessage } from './read-message.ts';

export interface LinkClock {
  /** Monotonic milliseconds. */
  now(): number;
  /** Call back; answer what stops it. */
  after(milliseconds: number, callback: () => void): () => void;
  every(milliseconds: number, callback: () => void): () => void;
}

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

interface PeerOptions<In, Answered extends string> {
  readonly socket: WebSocket;
  readonly limits: LinkLimits;
  readonly clock: LinkClock;
  /** False: what the other side sends is not counted (a runtime trusts its controller). */
  readonly metered: boolean;
  read(text: string): ReadMessage<In>;
  onMessage(message: Exclude<In, Exchange<Answered>>): void;
  readonly answer: Answerer<Answered>;
  onClosed(closing: Closing): void;
}

type Messages = { readonly kind: string };

export class LinkPeer<In extends Messages, Out extends Messages, Asked extends string, Answered extends string> {
  readonly #options: PeerOptions<In, Answered>;
  readonly #desk: ExchangeDesk<Asked, Answered>;
  readonly #stopPings: () => void;
  readonly #messages: RateBucket;
  readonly #bytes: RateBucket;
  #stopClosing: () => void = () => undefined;
  #heardAt: number;
  #closing: Closing | undefined;
  #closed = false;

  constructor(options: PeerOptions<In, Answered>) {
    this.#options = options;
    const { socket, limits, clock } = options;
    this.#messages = new RateBucket(limits.messagesPerSecond, limits.messageBurst, clock.now);
    this.#bytes = new RateBucket(limits.bytesPerSecond, limits.byteBurst, clock.now);
    this.#heardAt = clock.now();
    this.#desk = new ExchangeDesk({
      send: (message) => this.#write(JSON.stringify(message)),
      answer: options.answer,
      most: limits.asksInFlight,
      after: clock.after,
    });
    socket.on('message', (data: RawData, binary: boolean) => this.#take(data, binary));
    socket.on('ping', () => void this.#hear(0));
    socket.on('pong', () => void this.#hear(0));
    // What went wrong comes with 'close'; without a listener it would end the process.
    socket.on('error', (error: Error) => (this.#closing ??= { code: 1006, reason: error.message }));
    socket.on('close', (code, reason) => this.#end({ code, reason: reason.toString('utf8') }));
    this.#stopPings = clock.every(limits.pingMs, () => this.#ping());
  }

  /** Bytes that are written and not yet taken by the network. */
  get bufferedBytes(): number {
    return this.#options.socket.bufferedAmount;
  }

  get open(): boolean {
    return !this.#closed && this.#closing === undefined;
  }

  send(message: Out): void {
    this.#write(JSON.stringify(message));
  }

  /** A message that is JSON already; `taken` is called when the network has it, or never. */
  sendText(text: string, taken: () => void): void {
    if (!this.open) return;
    this.#options.socket.send(text, (error) => {
      if (error === undefined || error === null) taken();
    });
  }

  ask(topic: Asked, body: unknown, options: AskOptions): Promise<Answer> {
    return this.#desk.ask(topic, body, options);
  }

  /** Says why, then closes; a peer that does not answer is cut off. */
  close(code: number, reason: string): void {
    if (!this.open) return;
    this.#closing = { code, reason };
    // RFC 6455 §5.5: the reason has at most 123 bytes.
    this.#options.socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, 120)
        .toString('utf8')
        .replace(/\uFFFD+$/, ''),
    );
    const { limits, clock } = this.#options;
    this.#stopClosing = clock.after(limits.pingMs, () => this.#options.socket.terminate());
    this.#desk.close();
  }

  #write(text: string): void {
    if (!this.open) return;
    this.#options.socket.send(text, () => undefined);
  }

  #take(data: RawData, binary: boolean): void {
    if (!this.open) return;
    const { read, onMessage } = this.#options;
    const bytes = data as Buffer;
    if (!this.#hear(bytes.length)) return;
    if (binary) return this.close(closeCodes.malformed, 'messages are text');
    const result = read(bytes.toString('utf8'));
    if (result.kind === 'malformed') return this.close(closeCodes.malformed, result.problem);
    // What a newer program says beyond this version is not for us.
    if (result.kind === 'unknown') return;
    const { message } = result;
    if (message.kind === 'ask' || message.kind === 'cancel' || message.kind === 'answer') {
      this.#desk.take(message as unknown as Exchange<Answered>);
    } else onMessage(message as Exclude<In, Exchange<Answered>>);
  }

  /** Counts what came; false: it was too much, and the link is closing. */
  #hear(bytes: number): boolean {
    const { clock, metered } = this.#options;
    this.#heardAt = clock.now();
    if (!metered || (this.#messages.take(1) && this.#bytes.take(bytes))) return true;
    this.close(closeCodes.flood, 'more messages or bytes a second than a runtime has to say');
    this.#options.socket.terminate();
    return false;
  }

  #ping(): void {
    const { socket, limits, clock } = this.#options;
    if (clock.now() - this.#heardAt < limits.deadMs) {
      if (socket.readyState === socket.OPEN) socket.ping();
      return;
    }
    this.#closing ??= { code: closeCodes.silent, reason: `nothing was heard for ${limits.deadMs} ms` };
    socket.terminate();
  }

  #end(closing: Closing): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#stopPings();
    this.#stopClosing();
    this.#desk.close();
    this.#options.onClosed(this.#closing ?? closing);
  }
}
