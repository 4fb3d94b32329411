/** Values of Lua inside records as plain JSON: tables become objects, bytes base64, big integers text. */
import { jsonNull } from '../../lua/types.ts';

/** A copy that `JSON.stringify` prints whole. Keys of tables become text. */
export function toPlain(value: unknown): unknown {
  if (value === jsonNull || value === undefined) return null;
  if (typeof value === 'bigint') return value.toString();
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(toPlain);
  const entries: [string, unknown][] =
    value instanceof Map ? [...value].map(([key, inner]) => [String(key), inner]) : Object.entries(value);
  return Object.fromEntries(entries.flatMap(([key, inner]) => (inner === undefined ? [] : [[key, toPlain(inner)]])));
}
