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
  const { origin } = code;
  const inFile = origin !== undefined && mistake.file === functionName;
  const { line, column, suggestion } = mistake;
  return {
    reason: reasons[mistake.kind],
    message: mistake.message,
    file: inFile ? origin.file : mistake.file,
    ...(line === undefined ? {} : { line: inFile ? line + origin.lineOffset : line }),
    ...(column === undefined ? {} : { column: inFile ? column + origin.columnOffset : column }),
    ...(suggestion === undefined ? {} : { suggestion }),
  };
}
