/** The link to one controller replica, dialled again whenever it ends. */
import { type Answerer } from '../../link/exchange.ts';
import { dialPeer } from '../../link/dial-peer.ts';
import { LinkPeer, type LinkClock } from '../../link/link-peer.ts';
import type {
  DownTopic,
  FromController,
  FromRuntime,
  LinkLimits,
  StandMessage,
  TableMessage,
  UpTopic,
} from '../../link/protocol.ts';
import { readFromController } from '../../link/read-message.ts';

export type RuntimePeer = LinkPeer<FromController, FromRuntime, UpTopic, DownTopic>;

/** What a dial needs, read anew each time: tokens and authorities are replaced while the process runs. */
export interface Credentials {
  readonly token: string;
  readonly authorities: string;
}

export interface LinkTools {
  readonly serverName: string;
  readonly limits: LinkLimits;
  readonly newest: number;
  readonly clock: LinkClock;
  /** 0 to 1. */
  random(): number;
  /** Rejects where the files cannot be read; the message says which. */
  credentials(): Promise<Credentials>;
  hello(): FromRuntime & { readonly kind: 'hello' };
  readonly answer: Answerer<DownTopic>;
}

export interface LinkEvents {
  /** The controller says where it stands; the first time right after it was reached. */
  onStand(link: ControllerLink, stand: StandMessage): void;
  onTable(link: ControllerLink, message: TableMessage): void;
  onPolicy(link: ControllerLink, policy: Readonly<Record<string, unknown>>): void;
  onClosed(link: ControllerLink): void;
  onTrouble(link: ControllerLink, reason: string): void;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

const firstWaitMs = 250;
const longestWaitMs = 10_000;
const dialTimeoutMs = 5_000;
/** A link that held for so long was a good one: the next attempt comes soon. */
const goodMs = 10_000;

export class ControllerLink {
  readonly address: Address;
  readonly #tools: LinkTools;
  readonly #events: LinkEvents;
  #peer: RuntimePeer | undefined;
  #stand: StandMessage | undefined;
  #stopAttempt: () => void = () => undefined;
  #waitMs = firstWaitMs;
  #stopped = false;
  #token = '';

  constructor(address: Address, tools: LinkTools, events: LinkEvents) {
    this.address = address;
    this.#tools = tools;
    this.#events = events;
    this.#dial();
  }

  get id(): string {
    return `${this.address.host}:${this.address.port}`;
  }

  /** Undefined while there is no link. */
  get peer(): RuntimePeer | undefined {
    return this.#peer?.open === true ? this.#peer : undefined;
  }

  /** Where the controller stood last; undefined while there is no link. */
  get stand(): StandMessage | undefined {
    return this.#stand;
  }

  /** Sends the token if it is another than the controller has. */
  async prove(): Promise<void> {
    const { peer } = this;
    if (peer === undefined) return;
    const { token } = await this.#tools.credentials();
    if (token === this.#token || peer !== this.peer) return;
    this.#token = token;
    peer.send({ kind: 'proof', token });
  }

  stop(code: number, reason: string): void {
    this.#stopped = true;
    this.#stopAttempt();
    this.#peer?.close(code, reason);
  }

  #dial(): void {
    const { serverName, limits, newest, credentials } = this.#tools;
    let given = false;
    this.#stopAttempt = () => (given = true);
    credentials().then(
      ({ token, authorities }) => {
        if (given) return;
        this.#token = token;
        this.#stopAttempt = dialPeer(
          { ...this.address, serverName, authorities, token, limits, newest, timeoutMs: dialTimeoutMs },
          (socket) => this.#open(socket),
          (reason) => this.#again(reason),
        );
      },
      (error: Error) => this.#again(error.message),
    );
  }

  #open(socket: ConstructorParameters<typeof LinkPeer>[0]['socket']): void {
    const { limits, clock, answer, hello } = this.#tools;
    const openedAt = clock.now();
    this.#stopAttempt = () => undefined;
    const peer: RuntimePeer = new LinkPeer({
      socket,
      limits,
      clock,
      metered: false,
      read: readFromController,
      answer,
      onMessage: (message) => {
        switch (message.kind) {
          case 'stand': {
            const first = this.#stand === undefined;
            this.#stand = message;
            // The controller speaks first: who it is decides whether this link is wanted.
            if (first) peer.send(hello());
            return this.#events.onStand(this, message);
          }
          case 'table':
            return this.#events.onTable(this, message);
          case 'policy':
            return this.#events.onPolicy(this, message.policy);
          case 'prove':
            this.prove().catch((error: Error) => this.#events.onTrouble(this, error.message));
            return undefined;
          default:
            return undefined;
        }
      },
      onClosed: ({ code, reason }) => {
        this.#peer = undefined;
        this.#stand = undefined;
        if (clock.now() - openedAt > goodMs) this.#waitMs = firstWaitMs;
        this.#events.onClosed(this);
        this.#again(`closed: ${code}${reason === '' ? '' : ` ${reason}`}`);
      },
    });
    this.#peer = peer;
  }

  #again(reason: string): void {
    if (this.#stopped) return;
    this.#events.onTrouble(this, reason);
    // Runtimes that lost the same controller do not come back in one moment.
    const wait = this.#waitMs * (0.5 + this.#tools.random());
    this.#waitMs = Math.min(longestWaitMs, this.#waitMs * 2);
    this.#stopAttempt = this.#tools.clock.after(wait, () => this.#dial());
  }
}
