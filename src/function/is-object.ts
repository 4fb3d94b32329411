/** What JSON calls an object. */

/** False for null and for arrays, which `typeof` calls objects, too. */
export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
