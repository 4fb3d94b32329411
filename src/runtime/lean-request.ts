/**
 * A request whose table of headers is not made: Node makes an object of all lines to look at two of them, which costs as
 * much as routing a request. Whoever reads `headers` later has Node's own table, made then.
 */
import { IncomingMessage, type IncomingHttpHeaders } from 'node:http';
import type { FailureCode } from '../failures/catalogue.ts';
import { readAbsoluteTarget } from './absolute-target.ts';
import { RequestHead } from './request-head.ts';

/** Why a request is refused before anything else is looked at. */
export interface HeadRefusal {
  readonly code: FailureCode;
  readonly detail: string;
}

export class LeanRequest extends IncomingMessage {
  #head: RequestHead | undefined = undefined;
  #handedOver = false;
  refusal: HeadRefusal | undefined = undefined;

  /** What its lines say that everybody asks for. */
  get head(): RequestHead {
    return (this.#head ??= new RequestHead(this.rawHeaders));
  }

  /** From now on it is read by others than Node's server. */
  handOver(): void {
    this.#handedOver = true;
    if (this.url?.charCodeAt(0) !== 0x2f) this.#resolveTarget();
  }

  /** The host of a whole URL takes the place of the one in the `Host` line, for everybody who asks later. */
  #resolveTarget(): void {
    const absolute = readAbsoluteTarget(this.url ?? '');
    if (absolute === undefined) return;
    if (!absolute.ok) {
      this.refusal ??= { code: 'RequestInvalid', detail: absolute.mistake };
      return;
    }
    const { authority, target } = absolute;
    this.url = target;
    const lines = this.rawHeaders;
    const at = lines.findIndex((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
    if (at === -1) {
      // HTTP/1.1 without a Host line stays faulty whatever the target says.
      if (this.httpVersion === '1.1') return;
      lines.push('Host', authority);
    } else lines[at + 1] = authority;
    this.headers.host = authority;
    this.#head = undefined;
  }

  /**
   * All that Node's server looks at in a request of HTTP/1.1 without `Expect`: whether there is a host and whether a body
   * is announced. Undefined: it looks at more, or somebody else does.
   */
  get forServer(): IncomingHttpHeaders | undefined {
    if (this.#handedOver || this.httpVersion !== '1.1') return undefined;
    const { host, expect, contentLength, transferEncoding } = this.head;
    if (host === undefined || expect !== undefined || transferEncoding !== undefined) return undefined;
    return contentLength === undefined
      ? { host, expect: undefined }
      : { host, expect: undefined, 'content-length': contentLength };
  }
}

const own = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, 'headers');
// A Node that keeps its table otherwise has it made as always.
if (own?.get !== undefined && own.set !== undefined) {
  const { get, set } = own;
  Object.defineProperty(LeanRequest.prototype, 'headers', {
    configurable: true,
    get(this: LeanRequest): unknown {
      return this.forServer ?? get.call(this);
    },
    set(this: LeanRequest, table: unknown) {
      set.call(this, table);
    },
  });
}
