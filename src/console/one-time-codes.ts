/** Codes that open the console once: on a command line, where other users of the machine can read them, they are spent. */
import { randomBytes } from 'node:crypto';

const validMs = 60_000;
const most = 16;

export interface OneTimeCodes {
  /** A new one, valid for a minute. */
  issue(): string;
  /** True once for each code that was issued and is still valid. */
  spend(code: string): boolean;
}

/** `now`: milliseconds, monotonic. A code has 128 bits from the operating system: looking it up tells nobody how near a guess was. */
export function createOneTimeCodes(now: () => number): OneTimeCodes {
  const validUntil = new Map<string, number>();
  return {
    issue: () => {
      const [oldest] = validUntil.keys();
      if (validUntil.size >= most && oldest !== undefined) validUntil.delete(oldest);
      const code = randomBytes(16).toString('base64url');
      validUntil.set(code, now() + validMs);
      return code;
    },
    spend: (code) => {
      const until = validUntil.get(code);
      validUntil.delete(code);
      return until !== undefined && now() <= until;
    },
  };
}
