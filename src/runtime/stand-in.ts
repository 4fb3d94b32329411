/**
 * Where a draft is tried, somebody of the same process stands in for the network and the cluster: worker threads ask over
 * a channel that only they and the one who made its name know.
 */
import { BroadcastChannel } from 'node:worker_threads';
import type { KubernetesAnswer, KubernetesCaller, KubernetesQuestion } from '../host/kubernetes-types.ts';
import type { OutboundGuard } from '../policy/outbound.ts';
import {
  createAnsweredGuard,
  type AnswerByHand,
  type AnsweredRequest,
  type HandAnswer,
} from '../policy/outbound-answered.ts';
import type { RuntimeSettings } from '../settings/runtime-settings.ts';

type StandInSettings = NonNullable<RuntimeSettings['standIn']>;

type Question =
  | { readonly what: 'request'; readonly request: AnsweredRequest }
  | { readonly what: 'kubernetes'; readonly question: KubernetesQuestion };

/** Threads number their questions themselves: `from` tells them apart. */
type Asked = { readonly kind: 'asked'; readonly from: string; readonly id: number } & Question;
interface Answered {
  readonly kind: 'answered';
  readonly from: string;
  readonly id: number;
  readonly answer: HandAnswer | KubernetesAnswer;
}

/** What a worker has in place of the network and the cluster. */
export interface StandIn {
  /** Absent: requests are real. */
  readonly guard?: OutboundGuard;
  readonly kubernetes: KubernetesCaller;
}

/** In a worker thread. `from`: nobody else's. */
export function connectStandIn({ channel: name, requests }: StandInSettings, from: string): StandIn {
  const channel = new BroadcastChannel(name);
  const waiting = new Map<number, (answer: never) => void>();
  let nextId = 1;
  hear(channel, (message) => {
    if (message.kind !== 'answered' || message.from !== from) return;
    waiting.get(message.id)?.(message.answer as never);
  });
  channel.unref();
  const ask = <Answer>(question: Question, givenUp: Answer, signal: AbortSignal): Promise<Answer> => {
    if (signal.aborted) return Promise.resolve(givenUp);
    const id = nextId++;
    return new Promise<Answer>((resolve) => {
      const settle = (answer: Answer): void => {
        waiting.delete(id);
        signal.removeEventListener('abort', giveUp);
        resolve(answer);
      };
      const giveUp = (): void => settle(givenUp);
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.set(id, settle);
      channel.postMessage({ kind: 'asked', from, id, ...question } satisfies Asked);
    });
  };
  const guard = createAnsweredGuard((request, signal) =>
    ask<HandAnswer>({ what: 'request', request }, { ok: false, message: 'no answer in time' }, signal),
  );
  return {
    ...(requests ? { guard } : {}),
    kubernetes: {
      call: (question, _remainingMs, signal) =>
        ask<KubernetesAnswer>({ what: 'kubernetes', question }, { ok: false, message: 'the call has ended' }, signal),
    },
  };
}

/** Who answers; neither may reject. */
export interface Understudy {
  readonly request: AnswerByHand;
  kubernetes(question: KubernetesQuestion): Promise<KubernetesAnswer>;
}

/** On the side of whoever tries: answers until closed. */
export function serveStandIn(name: string, understudy: Understudy): { close(): void } {
  const channel = new BroadcastChannel(name);
  hear(channel, (message) => {
    if (message.kind !== 'asked') return;
    const { from, id } = message;
    const answering: Promise<HandAnswer | KubernetesAnswer> =
      message.what === 'request'
        ? understudy.request(message.request, AbortSignal.timeout(60_000))
        : understudy.kubernetes(message.question);
    void answering.then((answer) => channel.postMessage({ kind: 'answered', from, id, answer } satisfies Answered));
  });
  return { close: () => channel.close() };
}

function hear(channel: BroadcastChannel, listener: (message: Asked | Answered) => void): void {
  channel.addEventListener('message', (event) => {
    listener((event as unknown as { readonly data: Asked | Answered }).data);
  });
}
