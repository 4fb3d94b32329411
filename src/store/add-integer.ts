/** Adding to an integer that is kept as text: what `incr` does in every engine. */

/** Undefined: the value is not an integer, or the sum leaves the safe range. An absent value is 0. */
export function addInteger(value: Uint8Array | undefined, delta: number): number | undefined {
  const text =
    value === undefined ? '0' : Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  if (!/^-?\d{1,16}$/.test(text)) return undefined;
  const sum = Number(text) + delta;
  return Number.isSafeInteger(sum) ? sum : undefined;
}
