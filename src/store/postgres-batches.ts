/**
 * Gathers what many callers ask for into batches, one transaction each. While one batch is written the next one fills up,
 * so the slower a commit is, the more share it. A batch that fails is halved until only the bad item fails.
 */

export interface BatchSettings<Item, Answer> {
  /** Writes all of them in one transaction or none; answers in the same order. */
  run(items: readonly Item[]): Promise<readonly Answer[]>;
  /** What an item weighs against `most`. */
  weigh(item: Item): number;
  readonly most: number;
  /** Milliseconds, monotonic. */
  now(): number;
}

/** A first batch waits so long for company, and only when the last commit took longer than `slowMs`. */
const lingerMs = 3;
const slowMs = 1;
const rounds = 5;

/**
 * The transaction did nothing and may be repeated as it is: deadlock, serialization failure, a lock that was not free in
 * time, a statement that was too slow.
 */
const repeatable: ReadonlySet<string> = new Set(['40P01', '40001', '55P03', '57014']);

interface Waiting<Item, Answer> {
  readonly item: Item;
  resolve(answer: Answer): void;
  reject(error: unknown): void;
}

export function createBatches<Item, Answer>(settings: BatchSettings<Item, Answer>): (item: Item) => Promise<Answer> {
  const { run, weigh, most, now } = settings;
  let waiting: Waiting<Item, Answer>[] = [];
  let running = false;
  let planned = false;
  let lastMs = 0;

  function plan(): void {
    if (planned || running || waiting.length === 0) return;
    planned = true;
    if (lastMs > slowMs) setTimeout(start, lingerMs);
    else setImmediate(start);
  }

  function start(): void {
    planned = false;
    let weight = 0;
    let count = 0;
    for (const { item } of waiting) {
      weight += weigh(item);
      if (count > 0 && weight > most) break;
      count++;
    }
    const batch = waiting.slice(0, count);
    waiting = waiting.slice(count);
    if (batch.length === 0) return;
    running = true;
    const began = now();
    void halving(batch).then(() => {
      running = false;
      lastMs = now() - began;
      plan();
    });
  }

  async function halving(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    for (let round = 1; ; round++) {
      try {
        const answers = await run(batch.map(({ item }) => item));
        for (const [index, { resolve }] of batch.entries()) resolve(answers[index] as Answer);
        return;
      } catch (error) {
        if (batch.length > 1 && mayHalve(error)) {
          const middle = Math.ceil(batch.length / 2);
          await halving(batch.slice(0, middle));
          await halving(batch.slice(middle));
          return;
        }
        if (round < rounds && isRepeatable(error)) continue;
        for (const { reject } of batch) reject(error);
        return;
      }
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      plan();
    });
}

/** Hands the answers of all items out again, to each call as many as it had items. */
export function answersByCall<Answer>(
  calls: readonly (readonly unknown[])[],
  answers: readonly Answer[],
): readonly (readonly Answer[])[] {
  let place = 0;
  const next = (): Answer => {
    const answer = answers[place++];
    if (answer === undefined) throw new Error('a batch gave fewer answers than it had questions');
    return answer;
  };
  return calls.map((call) => call.map(next));
}

export function isRepeatable(error: unknown): boolean {
  return repeatable.has(codeOf(error));
}

/**
 * The SQLSTATE by which the server refuses these values, whenever they are sent: data exceptions, constraints, limits of a
 * row or an index. Not a key that is taken (23505): that is a matter of what else is there, and may pass.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
export function refusalOfValues(error: unknown): string | undefined {
  const code = codeOf(error);
  return /^(22|23|54)/.test(code) && code !== '23505' ? code : undefined;
}

/** Not where the connection or the server is gone: then nobody knows what was kept, and every half would fail, too. */
function mayHalve(error: unknown): boolean {
  const code = codeOf(error);
  const nobodysFault =
    code === '' ? !(error instanceof TypeError || error instanceof RangeError) : /^(08|57P|53|58|XX)/.test(code);
  return !nobodysFault;
}

/** The five letters of a SQLSTATE; empty for errors of the connection and of this program. */
function codeOf(error: unknown): string {
  const code = error instanceof Error ? (error as { code?: unknown }).code : undefined;
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : '';
}
