/** JSON of a handler's result: the same text that `json.encode` gives in Lua. */
import type { EncodedJson } from '../function/result.ts';
import type { PlainValue } from '../function/plain-value.ts';
import { defaultEncodeOptions, encodeJson, EncodeProblem } from '../host/json-encode.ts';
import type { LuaValue } from '../lua/types.ts';

/** The text, or why the value has none. */
export function encodeResult(value: PlainValue, maxBytes: number): EncodedJson {
  try {
    return { ok: true, text: encodeJson(value as LuaValue, { ...defaultEncodeOptions, maxBytes }) };
  } catch (error) {
    if (error instanceof EncodeProblem) return { ok: false, message: error.message };
    throw error;
  }
}
