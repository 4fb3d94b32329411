/** Turns the engine's words on a program into what an acknowledgement says: reason, place in the user's file, hint. */
import type { LuaMistake } from '../lua/types.ts';
import type { Rejection } from '../routing/last-good.ts';
import type { CodeEntry } from '../routing/types.ts';

const reasons = {
  syntax: 'LuaSyntax',
  load: 'LuaLoad',
  shape: 'LuaShape',
  timeout: 'LuaLoadTimeout',
  cpu: 'LuaLoadCpu',
  memory: 'LuaLoadMemory',
} as const satisfies Record<LuaMistake['kind'], string>;

/** `functionName` is what the engine calls the main chunk. */
export function toRejection(mistake: LuaMistake, functionName: string, code: CodeEntry): Rejection {
  const own = mistake.file === functionName;
  const { moduleOrigins = {} } = code;
  const module = Object.hasOwn(moduleOrigins, mistake.file) ? moduleOrigins[mistake.file] : undefined;
  const origin = own ? code.origin : module;
  const { line, column, suggestion } = mistake;
  return {
    reason: reasons[mistake.kind],
    message: mistake.message,
    file: origin?.file ?? mistake.file,
    ...(line === undefined ? {} : { line: line + (origin?.lineOffset ?? 0) }),
    ...(column === undefined ? {} : { column: column + (origin?.columnOffset ?? 0) }),
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}
