/** A call as one waiting host function sees it. */
import type { Call } from './call.ts';
import type { HostCall, LogLevel, LuaKey, LuaValue } from './types.ts';

/** The call, and the line of its own record. */
export class OperationView<Context> implements HostCall<Context> {
  readonly callId: string;
  readonly namespace: string;
  readonly namespaceUid: string;
  readonly functionName: string;
  readonly revision: string;
  readonly loading = false;
  readonly context: Context;
  readonly note: (summary: string) => void;
  readonly #call: Call<Context>;

  constructor(call: Call<Context>, note: (summary: string) => void) {
    this.callId = call.callId;
    this.namespace = call.namespace;
    this.namespaceUid = call.namespaceUid;
    this.functionName = call.functionName;
    this.revision = call.revision;
    this.context = call.context;
    this.note = note;
    this.#call = call;
  }

  get signal(): AbortSignal {
    return this.#call.signal;
  }

  remaining(): number {
    return this.#call.remaining();
  }

  now(): number {
    return this.#call.worldNow();
  }

  randomBytes(count: number): Uint8Array {
    return this.#call.worldRandom(count);
  }

  log(level: LogLevel, message: string, fields?: ReadonlyMap<LuaKey, LuaValue>): void {
    this.#call.log(level, message, fields);
  }

  charge(bytes: number): void {
    this.#call.charge(bytes);
  }

  hold(bytes: number): void {
    // Stays when the call is run again from its start: operations are not.
    this.#call.heldByOperations += bytes;
    this.#call.hold(bytes);
  }
  handlers(): readonly string[] {
    return [...this.#call.program.handlers.keys()];
  }
}
