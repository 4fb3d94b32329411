/** Asks a runtime that serves the function; another one where the first cannot answer. */
import type { Answer, AskOptions } from '../../link/exchange.ts';
import { readAppendAnswer, type AppendAnswer, type AppendQuestion } from '../../link/append-messages.ts';
import type { DownTopic } from '../../link/protocol.ts';
import type { LinkedRuntime } from '../types.ts';

export interface RuntimeLinks {
  runtimes(): readonly LinkedRuntime[];
  ask(podUid: string, topic: DownTopic, body: unknown, options: AskOptions): Promise<Answer>;
}

export type RuntimeAnswer =
  | { readonly kind: 'answered'; readonly answer: AppendAnswer }
  /** Nobody was asked, or nothing was done. */
  | { readonly kind: 'nobody'; readonly message: string }
  /** It is not known whether it was done. */
  | { readonly kind: 'uncertain'; readonly message: string };

const askMs = 30_000;
/** Questions under way at once, over all triggers: links have room for other topics. */
const atOnce = 32;

export type AskRuntimes = (question: AppendQuestion, signal: AbortSignal) => Promise<RuntimeAnswer>;

export function createAskRuntimes(links: RuntimeLinks): AskRuntimes {
  let running = 0;
  const waiting: (() => void)[] = [];

  async function enter(): Promise<void> {
    if (running < atOnce) running += 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function leave(): void {
    const next = waiting.shift();
    // Its place goes to the one that waited longest.
    if (next === undefined) running -= 1;
    else next();
  }

  async function ask(question: AppendQuestion, signal: AbortSignal): Promise<RuntimeAnswer> {
    let message = 'no linked runtime serves the function';
    for (const { podUid } of candidatesFor(question, links.runtimes())) {
      if (signal.aborted) break;
      const said = await links.ask(podUid, 'append', question, { timeoutMs: askMs, signal });
      if (!said.ok) {
        ({ message } = said);
        // Neither reached anything that stores.
        if (said.code === 'Unsupported' || said.code === 'Busy' || said.code === 'Refused') continue;
        return { kind: 'uncertain', message };
      }
      const answer = readAppendAnswer(said.body);
      if (answer === undefined) return { kind: 'uncertain', message: 'the runtime answered something unknown' };
      if (answer.kind !== 'notServed') return { kind: 'answered', answer };
      ({ message } = answer);
    }
    return { kind: 'nobody', message };
  }

  return async (question, signal) => {
    await enter();
    try {
      return await ask(question, signal);
    } finally {
      leave();
    }
  };
}

/** Nobody serves what is gone: any runtime of its group has the store. */
function candidatesFor(question: AppendQuestion, runtimes: readonly LinkedRuntime[]): readonly LinkedRuntime[] {
  if (question.op !== 'forget') return servingRuntimes(runtimes, question.function);
  return runtimes.filter(({ connected, group }) => connected && group === question.group);
}

/** Those that said they serve it; each function begins with another one, always the same. */
function servingRuntimes(runtimes: readonly LinkedRuntime[], uid: string): readonly LinkedRuntime[] {
  const serving = runtimes.filter(({ connected, acknowledgements }) => {
    const said = acknowledgements.get(uid);
    return connected && said !== undefined && (said.accepted || said.servingRevision !== undefined);
  });
  const weight = ({ podUid }: LinkedRuntime): number => {
    let hash = 2166136261;
    for (const letter of `${uid} ${podUid}`) hash = Math.imul(hash ^ letter.charCodeAt(0), 16777619) >>> 0;
    return hash;
  };
  return serving.toSorted((one, other) => weight(one) - weight(other));
}
