/** One call into the engine, with the marks that watchdog and unloading go by. */
import type { HostContext } from '../host/types.ts';
import type { ProgramHandle } from '../lua/engine-contract.ts';
import { functionMark } from '../lua/engine-options.ts';
import type { CallRequest, CallResult } from '../lua/types.ts';
import { hideInResult } from './hide-in-result.ts';
import type { LiveFunction, LiveProgram } from './live-function.ts';
import type { WorkerParts } from './worker-parts.ts';
import type { UnendedCall } from './worker-stats.ts';

/** What says which program is filled in here. */
export type ProgramRequest = Omit<CallRequest<HostContext>, 'revision' | 'program'> & {
  revision?: string;
  program?: ProgramHandle | undefined;
};

/** The caller has seen that the function has a program. */
export function runProgram(
  fn: LiveFunction,
  parts: WorkerParts,
  request: ProgramRequest,
): CallResult | Promise<CallResult> {
  const program = fn.program as LiveProgram;
  const { engine, fault } = parts;
  if (fault !== undefined) injectFault(fn, program, parts, request);
  program.calls += 1;
  request.revision = program.revision;
  request.program = fn.handle;
  const result = engine.call(request as CallRequest<HostContext>);
  if (!(result instanceof Promise)) {
    leave(program, parts);
    return hideInResult(result, fn, parts.clock);
  }
  const { callId, target } = request;
  const handler = 'handler' in target ? target.handler : target.expression;
  const running: UnendedCall = { fn, callId, handler, time: parts.clock.wall(), place: -1 };
  parts.running.add(running);
  const end = (): void => {
    parts.running.delete(running);
    leave(program, parts);
  };
  return result.then(
    (settled) => {
      end();
      return hideInResult(settled, fn, parts.clock);
    },
    (error: unknown) => {
      end();
      throw error;
    },
  );
}

function leave(program: LiveProgram, parts: WorkerParts): void {
  program.calls -= 1;
  if (program.retired && program.calls === 0) parts.engine.unload(program.revision);
}

/** Only tests set a fault: a thread that never comes back, one that ends, or the end of the process. */
function injectFault(
  fn: LiveFunction,
  program: LiveProgram,
  { fault, signals }: WorkerParts,
  request: ProgramRequest,
): void {
  const name = `${fn.entry.namespace}/${fn.entry.name}`;
  if (fault?.stuckFunction === name) {
    signals.mark = functionMark(program.revision);
    request.onSlice?.(true);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  }
  if (fault?.killFunction === name) {
    request.onSlice?.(true);
    process.kill(process.pid, 'SIGKILL');
  }
  if (fault?.crashFunction === name) {
    signals.mark = functionMark(program.revision);
    request.onSlice?.(true);
    process.exit(70);
  }
}
