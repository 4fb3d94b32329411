/** What was thrown, as words: anything can be thrown, not errors alone. */

/** The message of an error, without its name, cause and stack; of anything else its text. */
export function errorMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The same of what caused it, where that is known: `fetch` says nothing but "fetch failed" by itself. */
export function causeMessage(thrown: unknown): string {
  return errorMessage(thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown);
}
