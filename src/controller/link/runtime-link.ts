/** The link of one runtime pod at the controller: what it may say and when, what it is sent, how long it is believed. */
import type { Answer, AskOptions } from '../../link/exchange.ts';
import { LinkPeer, type LinkClock } from '../../link/link-peer.ts';
import {
  closeCodes,
  type DownTopic,
  type Exchange,
  type FromController,
  type FromRuntime,
} from '../../link/protocol.ts';
import type { Held, LinkLimits, StandMessage, UpTopic } from '../../link/protocol.ts';
import { readFromRuntime } from '../../link/read-message.ts';
import type { Admission } from '../../link/serve-peers.ts';
import { policyForGroup } from '../../policy/runtime-groups.ts';
import type { InstallationPolicy } from '../../policy/installation-policy.ts';
import type { GroupForms } from '../../routing/group-forms.ts';
import type { RouteTable } from '../../routing/types.ts';
import type { RuntimeProof } from './admit-runtime.ts';
import type { EntryTexts } from './entry-texts.ts';
import { keepProved, type Proving } from './keep-proved.ts';
import { createTableSender, type TableSender } from './send-table.ts';

type Peer = LinkPeer<FromRuntime, FromController, DownTopic, UpTopic>;
type Message = Exclude<FromRuntime, Exchange<UpTopic>>;
export type Hello = Extract<FromRuntime, { readonly kind: 'hello' }>;

export interface RuntimeLinkOptions {
  readonly socket: ConstructorParameters<typeof LinkPeer>[0]['socket'];
  readonly proof: RuntimeProof;
  /** What proved it. */
  readonly token: string;
  readonly limits: LinkLimits;
  readonly clock: LinkClock & { wall(): number };
  /** Of the runtime's group. */
  readonly forms: GroupForms;
  readonly texts: EntryTexts;
  readonly reviewEveryMs: number;
  prove(token: string): Promise<Admission<RuntimeProof>>;
  answer(topic: UpTopic, body: unknown, signal: AbortSignal): Promise<Answer>;
  /** It has said who it is, and is whom its token proves. */
  onHello(link: RuntimeLink, hello: Hello): void;
  /** It claims to be another than its token proves. */
  onClaim(hello: Hello): void;
  /** It wants the table, and has said what it holds of it. */
  onFollow(link: RuntimeLink): void;
  onSaid(message: Extract<Message, { readonly kind: 'judged' | 'applied' | 'report' }>): void;
  onClosed(link: RuntimeLink, code: number, reason: string): void;
}

export class RuntimeLink {
  readonly proof: RuntimeProof;
  readonly #options: RuntimeLinkOptions;
  readonly #peer: Peer;
  readonly #sender: TableSender;
  readonly #proving: Proving;
  readonly #stopHello: () => void;
  /** Set by its hello: until then nothing else is taken. */
  #greeted = false;
  #following = false;
  #holds: Held[] = [];

  constructor(options: RuntimeLinkOptions) {
    const { socket, proof, token, limits, clock, forms, texts, prove, reviewEveryMs } = options;
    this.proof = proof;
    this.#options = options;
    this.#peer = new LinkPeer({
      socket,
      limits,
      clock,
      metered: true,
      read: readFromRuntime,
      onMessage: (message) => this.#take(message),
      answer: (topic, body, signal) =>
        this.#greeted
          ? options.answer(topic, body, signal)
          : Promise.resolve({ ok: false, code: 'Refused', message: 'the first message is a hello' }),
      onClosed: ({ code, reason }) => this.#end(code, reason),
    });
    this.#sender = createTableSender({
      forms,
      texts,
      send: (text, taken) => this.#peer.sendText(text, taken),
      buffered: () => this.#peer.bufferedBytes,
      later: (callback) => void setImmediate(callback),
    });
    this.#proving = keepProved({
      proof,
      token,
      prove,
      clock,
      reviewEveryMs,
      askForNew: () => this.#peer.send({ kind: 'prove' }),
      onUnproved: (reason) => this.close(closeCodes.unproved, reason),
    });
    this.#stopHello = clock.after(limits.helloMs, () => {
      if (!this.#greeted) this.close(closeCodes.silent, 'no hello');
    });
  }

  sendStand(stand: StandMessage): void {
    this.#peer.send(stand);
  }

  /** To a runtime that follows. */
  sendPolicy(policy: InstallationPolicy): void {
    if (!this.#following) return;
    const own = policyForGroup(policy, this.proof.group) as unknown as Readonly<Record<string, unknown>>;
    this.#peer.send({ kind: 'policy', policy: own });
  }

  /** What it lacks of the whole table. */
  sendTable(table: RouteTable, epoch: number): void {
    this.#sender.start(this.#holds, table, epoch);
    this.#holds = [];
  }

  /** To a runtime that follows: what became of these functions and subscriptions. */
  sendChanges(uids: Iterable<string>, table: RouteTable, epoch: number): void {
    if (this.#following) this.#sender.update(uids, table, epoch);
  }

  ask(topic: DownTopic, body: unknown, options: AskOptions): Promise<Answer> {
    return this.#peer.ask(topic, body, options);
  }

  close(code: number, reason: string): void {
    this.#peer.close(code, reason);
  }

  #take(message: Message): void {
    if (message.kind === 'hello') return this.#greet(message);
    if (!this.#greeted) return this.close(closeCodes.malformed, 'the first message is a hello');
    switch (message.kind) {
      case 'follow':
        return message.on ? this.#follow(message.holds, message.more) : this.#unfollow();
      case 'proof':
        return void this.#proving.renew(message.token);
      case 'judged':
      case 'applied':
      case 'report':
        return this.#options.onSaid(message);
    }
  }

  #greet(hello: Hello): void {
    const { podUid, podName, group } = this.proof;
    if (this.#greeted) return this.close(closeCodes.malformed, 'a second hello');
    if (hello.podUid !== podUid || hello.podName !== podName || hello.group !== group) {
      this.#options.onClaim(hello);
      return this.close(closeCodes.notYours, 'pod and group must be those the token was made for');
    }
    this.#greeted = true;
    return this.#options.onHello(this, hello);
  }

  #follow(holds: readonly Held[], more: boolean): void {
    this.#holds.push(...holds);
    if (more) return;
    this.#following = true;
    this.#options.onFollow(this);
  }

  #unfollow(): void {
    this.#following = false;
    this.#holds = [];
    this.#sender.stop();
  }

  #end(code: number, reason: string): void {
    this.#stopHello();
    this.#proving.stop();
    this.#sender.stop();
    this.#options.onClosed(this, code, reason);
  }
}
