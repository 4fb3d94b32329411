/** The newest code of each function that every thread took: what a thread that starts later serves while a newer one is bad. */
import { programRevision } from '../routing/last-good.ts';
import type { Acknowledgement, CodeEntry, FunctionEntry } from '../routing/types.ts';

export interface GoodCode {
  readonly code: CodeEntry;
  /** Of the function, as it was when this code was taken. */
  readonly revision: string;
}

export class GoodCodes {
  readonly #byUid = new Map<string, GoodCode>();

  /** `entry`: what the acknowledgement speaks of. */
  remember({ servingRevision }: Acknowledgement, entry: FunctionEntry | undefined): void {
    if (entry === undefined || servingRevision !== entry.revision) return;
    this.#byUid.set(entry.uid, { code: entry.code, revision: entry.revision });
  }

  /** From the store: only where nothing was taken since the start. */
  adopt(uid: string, good: GoodCode): void {
    if (!this.#byUid.has(uid)) this.#byUid.set(uid, good);
  }

  forget(uid: string): void {
    this.#byUid.delete(uid);
  }

  /** For the change that gives an entry to a thread. */
  besides(entry: FunctionEntry): { readonly lastGood?: GoodCode } {
    const good = this.#byUid.get(entry.uid);
    return good === undefined || good.revision === entry.revision ? {} : { lastGood: good };
  }

  /** Keys of the programs that a function may have in an engine. */
  programsOf(entry: FunctionEntry): readonly string[] {
    const good = this.#byUid.get(entry.uid);
    return good === undefined ? [entry.revision] : [entry.revision, programRevision(entry, good.code)];
  }
}
