/** An option that may be given again and again. */

/** For commander: the values so far, and one more. */
export function collectValues(value: string, previous: readonly string[] = []): readonly string[] {
  return [...previous, value];
}
