/** The event of an HTTP request that is being answered now. */
import type { LuaInput } from '../lua/types.ts';
import { decodeForLua, toLua } from './decode-data.ts';
import type { EventSource, RequestSource, SenderFields } from './event-table.ts';
import type { HttpCall } from './http-call.ts';
import { maskPath } from './mask-credentials.ts';

const none: ReadonlySet<string> = new Set();
/** Proof of an active call: never shown to the function. */
const callCredentials: ReadonlySet<string> = new Set(['authorization', 'proxy-authorization']);

export class RequestEvent implements EventSource, RequestSource {
  readonly #call: HttpCall;

  constructor(call: HttpCall) {
    this.#call = call;
  }

  get eventId(): string {
    return this.#call.eventId ?? this.#call.id;
  }
  get eventName(): string {
    return this.#call.identified?.name ?? 'call';
  }
  get eventType(): string {
    return this.#call.identified?.type ?? 'dev.moonhook.call';
  }
  get eventSource(): string {
    const { identified, fn } = this.#call;
    const { namespace = '', name = '' } = fn?.entry ?? {};
    const { triggerName } = this;
    return identified?.source ?? `/${namespace}/${name}${triggerName === undefined ? '' : `/${triggerName}`}`;
  }
  get eventSubject(): string | undefined {
    return this.#call.identified?.subject;
  }
  get time(): number {
    return this.#call.time;
  }
  get triggerName(): string | undefined {
    return (this.#call.trigger ?? this.#call.namedTrigger)?.entry.name;
  }
  get attempt(): number {
    return 1;
  }
  get eventBody(): Uint8Array {
    return this.#call.body;
  }
  get eventRequest(): RequestSource {
    return this;
  }
  get eventSender(): SenderFields | undefined {
    return senderFields(this.#call);
  }

  readEventData(): LuaInput {
    const call = this.#call;
    if (!call.decoded) {
      call.data = decodeForLua(
        call.identified?.contentType ?? call.head.contentType,
        call.body,
        call.identified?.formField,
      );
      call.decoded = true;
    }
    return toLua(call.data);
  }

  get method(): string {
    return this.#call.method;
  }
  get path(): string {
    const params = this.#hidden('credentialParams');
    return params.size === 0 ? this.#call.path : maskPath(this.#call, params);
  }
  get route(): string {
    return this.#call.route;
  }
  get params(): ReadonlyMap<string, string> {
    const hidden = this.#hidden('credentialParams');
    if (hidden.size === 0) return this.#call.params;
    return new Map([...this.#call.params].filter(([name]) => !hidden.has(name)));
  }
  get host(): string {
    return this.#call.head.host ?? '';
  }
  get ip(): string {
    return this.#call.ip;
  }
  /** A credential: nobody behind the verification sees it. */
  hidesHeader(name: string): boolean {
    return this.#hiddenHeaders().has(name);
  }
  headerFirst(name: string): string | undefined {
    return this.#hiddenHeaders().has(name) ? undefined : this.#call.firstHeader(name);
  }
  headerNames(): readonly string[] {
    const hidden = this.#hiddenHeaders();
    return [...this.#call.headers.keys()].filter((name) => !hidden.has(name));
  }
  headerValues(name: string): readonly string[] | undefined {
    return this.#hiddenHeaders().has(name) ? undefined : this.#call.headers.get(name);
  }
  queryNames(): readonly string[] {
    const hidden = this.#hidden('credentialQuery');
    return [...this.#call.query.keys()].filter((name) => !hidden.has(name));
  }
  queryValues(name: string): readonly string[] | undefined {
    return this.#hidden('credentialQuery').has(name) ? undefined : this.#call.query.get(name);
  }

  #hidden(kind: 'credentialQuery' | 'credentialParams'): ReadonlySet<string> {
    return (this.#call.trigger ?? this.#call.namedTrigger)?.receiver?.[kind] ?? none;
  }
  #hiddenHeaders(): ReadonlySet<string> {
    return this.#call.listener === 'calls'
      ? callCredentials
      : (this.#call.trigger?.receiver?.credentialHeaders ?? none);
  }
}

/** `event.sender`. */
export function senderFields(call: HttpCall): SenderFields | undefined {
  if (call.listener === 'calls') {
    const { principal } = call;
    return { name: 'caller', verified: 'secret', ...(principal === undefined ? {} : { subject: principal }) };
  }
  const { sender, trigger } = call;
  if (sender === undefined) return undefined;
  const name = trigger?.receiver?.name ?? '';
  const { proof: verified, subject, claims } = sender;
  if (subject === undefined && claims === undefined) return { name, verified };
  return {
    name,
    verified,
    ...(subject === undefined ? {} : { subject }),
    ...(claims === undefined ? {} : { claims }),
  };
}
