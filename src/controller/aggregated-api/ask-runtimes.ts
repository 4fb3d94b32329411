/** Asks the runtimes over their links: one of each group, whose store all of the group share. */
import type { Answer, AskOptions } from '../../link/exchange.ts';
import type { LiveAct, LiveAnswer, LiveQuery } from '../../link/live-questions.ts';
import type { DownTopic } from '../../link/protocol.ts';
import type { LinkedRuntime } from '../types.ts';
import { refusal, type Refusal } from './api-status.ts';

/** The part of the links that is needed. */
export interface RuntimeLinks {
  runtimes(): readonly LinkedRuntime[];
  ask(podUid: string, topic: DownTopic, body: unknown, options: AskOptions): Promise<Answer>;
}

type Body = Readonly<Record<string, unknown>>;
export type Asked = { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly refusal: Refusal };

export interface Runtimes {
  /** Groups that have a runtime now, in a fixed order. */
  groups(): readonly string[];
  /** Any runtime of the group; another one where the first cannot answer. */
  query(group: string, question: LiveQuery, signal?: AbortSignal): Promise<Asked>;
  /** Pods of the runtimes of these groups that have a link. */
  pods(groups: readonly string[]): readonly string[];
  /** One runtime, and no other. */
  queryPod(podUid: string, question: LiveQuery, signal?: AbortSignal): Promise<Asked>;
  /** All that are known, also those whose link is down. */
  all(): readonly LinkedRuntime[];
  /** Every runtime of these groups: what each has in its own memory. Those that do not answer are left out. */
  queryEach(groups: readonly string[], question: LiveQuery, signal?: AbortSignal): Promise<readonly Body[]>;
  /** One runtime of the group, once: nobody does it twice. */
  act(group: string, act: LiveAct, signal?: AbortSignal): Promise<Asked>;
}

const queryMs = 20_000;
/** A question that waits for something to happen. */
const followMs = 30_000;
/** The API server ends a request after a minute. */
const actMs = 55_000;
const mostAsked = 3;
/** Questions under way over one link: about one namespace, and about all. The link takes 256, cluster events need some. */
const mostOfNamespace = 48;
const mostOfLink = 192;

export function createRuntimes(links: RuntimeLinks, random: () => number): Runtimes {
  /** Those with a table first; among equals by chance. */
  function linkedOf(group: string): readonly LinkedRuntime[] {
    const linked = links.runtimes().filter((each) => each.connected && each.group === group);
    const start = Math.floor(random() * linked.length);
    const turned = [...linked.slice(start), ...linked.slice(0, start)];
    return turned.sort((one, other) => Number(other.ready) - Number(one.ready));
  }

  const underWay = new Map<string, number>();

  /** A link is shared by all namespaces, and by what stores their events. */
  async function ask(
    podUid: string,
    topic: 'query' | 'act',
    body: LiveQuery | LiveAct,
    options: AskOptions,
  ): Promise<Answer> {
    const own = `${podUid} ${body.namespace?.uid ?? ''}`;
    if ((underWay.get(own) ?? 0) >= mostOfNamespace || (underWay.get(podUid) ?? 0) >= mostOfLink) return busy;
    for (const key of [own, podUid]) underWay.set(key, (underWay.get(key) ?? 0) + 1);
    try {
      return await links.ask(podUid, topic, body, options);
    } finally {
      for (const key of [own, podUid]) {
        const left = (underWay.get(key) ?? 1) - 1;
        if (left === 0) underWay.delete(key);
        else underWay.set(key, left);
      }
    }
  }

  const podsOf = (groups: readonly string[]): readonly string[] =>
    links.runtimes().flatMap(({ connected, group, podUid }) => (connected && groups.includes(group) ? [podUid] : []));

  return {
    groups: () =>
      [
        ...new Set(
          links
            .runtimes()
            .filter(({ connected }) => connected)
            .map(({ group }) => group),
        ),
      ].sort(),
    async query(group, question, signal) {
      let answer: Asked = nobody;
      for (const { podUid } of linkedOf(group).slice(0, mostAsked)) {
        const said = await ask(podUid, 'query', question, optionsOf(queryMs, signal));
        answer = read(said);
        if (said.ok || said.code === 'Refused' || signal?.aborted === true) return answer;
      }
      return answer;
    },
    pods: podsOf,
    queryPod: async (podUid, question, signal) =>
      read(await ask(podUid, 'query', question, optionsOf(followMs, signal))),
    all: () => links.runtimes(),
    async queryEach(groups, question, signal) {
      const said = await Promise.all(
        podsOf(groups).map((podUid) => ask(podUid, 'query', question, optionsOf(queryMs, signal))),
      );
      return said.map(read).flatMap((each) => (each.ok ? [each.body] : []));
    },
    async act(group, act, signal) {
      const [first] = linkedOf(group);
      if (first === undefined) return nobody;
      return read(await ask(first.podUid, 'act', act, optionsOf(actMs, signal)));
    },
  };
}

const optionsOf = (timeoutMs: number, signal: AbortSignal | undefined): AskOptions => ({
  timeoutMs,
  ...(signal === undefined ? {} : { signal }),
});

function read(answer: Answer): Asked {
  if (answer.ok) {
    const live = answer.body as LiveAnswer;
    if (live.status === 200 && typeof live.body === 'object' && live.body !== null) {
      return { ok: true, body: live.body as Body };
    }
    if (live.status === 200) return { ok: false, refusal: refusal(500, 'the runtime answered what is no answer') };
    return { ok: false, refusal: refusal(live.status, live.message) };
  }
  const { code, message } = answer;
  if (code === 'Busy') return { ok: false, refusal: refusal(429, message, { retryAfterSeconds: 1 }) };
  if (code === 'TimedOut') return { ok: false, refusal: refusal(504, `the runtime gave ${message}`) };
  if (code === 'Away') return { ok: false, refusal: refusal(503, `the link to the runtime broke: ${message}`) };
  if (code === 'Unsupported') return { ok: false, refusal: refusal(503, message) };
  return { ok: false, refusal: refusal(500, message) };
}

const busy: Answer = {
  ok: false,
  code: 'Busy',
  message: 'too many questions about this namespace are under way: try again',
};

const nobody: Asked = {
  ok: false,
  refusal: refusal(503, 'no runtime has a link to this controller: see `kubectl get pods` of the installation', {
    retryAfterSeconds: 1,
  }),
};
