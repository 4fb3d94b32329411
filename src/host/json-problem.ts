/** What is wrong with a JSON text, and where. */

/** A mistake in the text; line and column count from 1. */
export class JsonProblem extends Error {
  readonly line: number;
  readonly column: number;
  readonly reason: string;
  /** The text may be JSON; it holds more than is read. */
  readonly overLimit: boolean;
  constructor(text: string, at: number, reason: string, overLimit = false) {
    let line = 1;
    let start = 0;
    for (let end = text.indexOf('\n'); end >= 0 && end < at; end = text.indexOf('\n', start)) {
      line += 1;
      start = end + 1;
    }
    const column = at - start + 1;
    super(`line ${line}, column ${column}: ${reason}`);
    this.reason = reason;
    this.overLimit = overLimit;
    this.line = line;
    this.column = column;
  }
}
