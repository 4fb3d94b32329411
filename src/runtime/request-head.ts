/** The head of a request: the lines that every request is asked for, found in one pass over what arrived. */

/** Names in any case; the value of a name that comes twice is what Node's own table has of it. */
export class RequestHead {
  /** How many `Host` lines there are. */
  hosts = 0;
  host: string | undefined = undefined;
  expect: string | undefined = undefined;
  contentLength: string | undefined = undefined;
  transferEncoding: string | undefined = undefined;
  contentType: string | undefined = undefined;
  forwardedFor: string | undefined = undefined;
  hops: string | undefined = undefined;
  budget: string | undefined = undefined;
  /** The caller's own id. */
  callId: string | undefined = undefined;
  traceparent: string | undefined = undefined;
  serviceWorker: string | undefined = undefined;
  /** The protocol that the client would rather speak from now on. */
  upgrade: string | undefined = undefined;

  /** `lines`: names and values alternating. */
  constructor(lines: readonly string[]) {
    for (let at = 0; at + 1 < lines.length; at += 2) this.#take(lines[at] as string, lines[at + 1] as string);
  }

  /** No line announces a body. */
  get hasNoBody(): boolean {
    return (this.contentLength === undefined || this.contentLength === '0') && this.transferEncoding === undefined;
  }

  /** Most lines are told apart by their length and first letter. */
  #take(name: string, value: string): void {
    const first = name.charCodeAt(0) | 0x20;
    switch (name.length) {
      case 4:
        if (first !== 0x68 || !isName(name, 'host')) return;
        this.hosts += 1;
        this.host ??= value;
        return;
      case 6:
        if (first === 0x65 && isName(name, 'expect')) this.expect = joined(this.expect, value);
        return;
      case 7:
        if (first === 0x75 && isName(name, 'upgrade')) this.upgrade = joined(this.upgrade, value);
        return;
      case 9:
        if (first === 0x78 && isName(name, 'x-call-id')) this.callId = joined(this.callId, value);
        return;
      case 11:
        if (first === 0x74 && isName(name, 'traceparent')) this.traceparent = joined(this.traceparent, value);
        return;
      case 12:
        if (first === 0x63 && isName(name, 'content-type')) this.contentType ??= value;
        return;
      case 14:
        if (first === 0x63 && isName(name, 'content-length')) this.contentLength ??= value;
        else if (first === 0x73 && isName(name, 'service-worker'))
          this.serviceWorker = joined(this.serviceWorker, value);
        return;
      case 15:
        if (first !== 0x78) return;
        if (isName(name, 'x-forwarded-for')) this.forwardedFor = joined(this.forwardedFor, value);
        else if (isName(name, 'x-moonhook-hops')) this.hops = joined(this.hops, value);
        return;
      case 17:
        if (first === 0x74 && isName(name, 'transfer-encoding'))
          this.transferEncoding = joined(this.transferEncoding, value);
        else if (first === 0x78 && isName(name, 'x-moonhook-budget')) this.budget = joined(this.budget, value);
        return;
    }
  }
}

function isName(name: string, lowerCase: string): boolean {
  return name === lowerCase || name.toLowerCase() === lowerCase;
}

function joined(before: string | undefined, value: string): string {
  return before === undefined ? value : `${before}, ${value}`;
}

/** The first value of a name (lower case) as it arrived. */
export function firstOf(lines: readonly string[], lowerCase: string): string | undefined {
  for (let at = 0; at + 1 < lines.length; at += 2) {
    const name = lines[at] as string;
    if (name.length === lowerCase.length && isName(name, lowerCase)) return lines[at + 1];
  }
  return undefined;
}
