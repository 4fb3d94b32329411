/** Evaluates an expression or filter of a function: no I/O, 10 ms. */
import type { CallError, CallResult, LuaInput, LuaValue } from '../lua/types.ts';
import type { LiveFunction } from './live-function.ts';
import { runProgram } from './run-program.ts';
import type { WorkerParts } from './worker-parts.ts';

const expressionMs = 10;
/** By the clock: a thread that a busy machine (or a CPU quota, by 100 ms at a time) holds up is not the function's mistake. */
const patienceMs = 5000;

export type Evaluated =
  | { readonly ok: true; readonly value: LuaValue }
  | { readonly ok: false; readonly error: CallError };

/** `event` and `more` are the only globals besides the environment. */
export function evaluate(
  fn: LiveFunction,
  parts: WorkerParts,
  callId: string,
  expression: string,
  event: LuaInput,
  more: Readonly<Record<string, LuaInput>> = {},
): Evaluated | Promise<Evaluated> {
  if (fn.program === undefined) {
    return { ok: false, error: { message: 'the code of the function is not loaded' } };
  }
  const result = runProgram(fn, parts, {
    callId,
    target: { expression },
    arguments: [],
    globals: { ...more, event },
    limits: { timeoutMs: patienceMs, cpuMs: expressionMs, hostCalls: 0 },
    context: fn.context,
  });
  return result instanceof Promise ? result.then(toEvaluated) : toEvaluated(result);
}

function toEvaluated(result: CallResult): Evaluated {
  if (result.kind === 'ok') return { ok: true, value: result.values[0] };
  if (result.kind === 'exit') return { ok: false, error: { message: 'exit is not for expressions' } };
  return { ok: false, error: result.error };
}

/** Lua's truth. */
export function isTrue(value: LuaValue): boolean {
  return value !== undefined && value !== false;
}
