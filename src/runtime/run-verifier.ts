/** Runs the Lua verifier of a `custom` receiver: no I/O, 50 ms, on the raw request. */
import type { LuaInput, LuaKey, LuaValue } from '../lua/types.ts';
import type { RawRequest, VerifierAnswer } from '../receivers/types.ts';
import type { HttpCall } from './http-call.ts';
import { runProgram } from './run-program.ts';
import type { WorkerParts } from './worker-parts.ts';

const verifierMs = 50;
/** It cannot wait for anything but its turn on a busy machine, which is no fault of the sender. */
const turnMs = 5_000;

export async function runVerifier(
  call: HttpCall,
  parts: WorkerParts,
  handler: string,
  request: RawRequest,
  secrets: readonly Uint8Array[],
): Promise<VerifierAnswer> {
  const { fn } = call;
  if (fn?.program === undefined) return { ok: false, reason: 'the code of the function is not loaded' };
  if (!fn.program.handlers.has(handler)) return { ok: false, reason: `the code has no handler "${handler}"` };
  const result = await runProgram(fn, parts, {
    callId: call.id,
    target: { handler },
    arguments: [requestTable(request), secrets],
    limits: { timeoutMs: turnMs, cpuMs: verifierMs, hostCalls: 0 },
    context: fn.context,
  });
  if (result.kind !== 'ok') {
    const reason = result.kind === 'exit' ? 'the verifier ended with exit' : result.error.message;
    if (result.kind !== 'exit') call.error = result.error;
    return { ok: false, reason: `the verifier failed: ${reason}` };
  }
  const answer = readAnswer(result.values);
  return answer.ok ? answer : { ok: false, reason: (fn.hide?.(answer.reason) ?? answer.reason).slice(0, 200) };
}

function requestTable(request: RawRequest): LuaInput {
  const first = (values: ReadonlyMap<string, readonly string[]>): Map<LuaKey, LuaInput> =>
    new Map([...values].map(([name, [value = '']]) => [name, value]));
  return {
    method: request.method,
    target: request.target,
    url: request.publicUrl,
    headers: first(request.headers),
    query: first(request.query),
    params: request.params,
    body: request.body,
  };
}

/** `{ id, type }`, true, or `nil, reason`; anything else refuses. */
export function readAnswer(values: readonly LuaValue[]): VerifierAnswer {
  const [answer, reason] = values;
  if (answer === true) return { ok: true };
  if (Array.isArray(answer) && answer.length === 0) return { ok: true };
  if (!(answer instanceof Map)) {
    return { ok: false, reason: typeof reason === 'string' ? reason : 'the verifier refused' };
  }
  const text = (key: string): string | undefined => {
    const value = answer.get(key);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
  };
  const id = text('id');
  const type = text('type');
  return { ok: true, ...(id === undefined ? {} : { id }), ...(type === undefined ? {} : { type }) };
}
