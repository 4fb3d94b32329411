/** Answers the Kubernetes calls of functions: decides from this replica's own table who asks, and acts as that account only. */
import { kubernetesBodyCap, type KubernetesAnswer } from '../../host/kubernetes-types.ts';
import type { Answer } from '../../link/exchange.ts';
import type { FunctionEntry } from '../../routing/types.ts';
import type { KubeFailure } from '../kube-answer.ts';
import type { KubeClient } from '../kube-client.ts';
import type { Acknowledgements, TableSource } from '../types.ts';
import type { ConfirmAccount } from './confirm-account.ts';
import type { KindBook } from './discover-kinds.ts';
import type { CallGate } from './limit-calls.ts';
import { planRequest, refuseCall } from './plan-request.ts';
import { readKubernetesCall, type KubernetesCall } from './read-call.ts';

export interface HostCallOptions {
  readonly client: Pick<KubeClient, 'text'>;
  readonly table: TableSource;
  /** What runtimes said they serve. */
  acknowledgements(): Pick<Acknowledgements, 'runtimes' | 'subscribe'>;
  readonly kinds: KindBook;
  readonly confirmAccount: ConfirmAccount;
  readonly gate: CallGate;
  /** Told of each answer. */
  count?(operation: string | undefined, answer: Answer): void;
  /** Calls back once; answers what stops it. */
  after(milliseconds: number, callback: () => void): () => void;
  /** A runtime asked for what is not its own: for the log. */
  onStranger(podUid: string, functionUid: string, why: string): void;
}

/** Whose question it is: proved by the link. */
export interface AskingPod {
  readonly podUid: string;
  readonly group: string;
}

export type AnswerHostCall = (body: unknown, from: AskingPod, signal: AbortSignal) => Promise<Answer>;

/** The first call of a new function may overtake the word that it is served. */
const overtakingMs = 2_000;
/** Calls of functions that are not known, at once: a runtime may make up any number. */
const mostUnknown = 64;
const callMs = 30_000;

export function createHostCalls(options: HostCallOptions): AnswerHostCall {
  const { client, table, kinds, confirmAccount, gate } = options;

  /** Whether the runtime has said that it serves this function. */
  async function isServed(uid: string, podUid: string): Promise<boolean> {
    const { runtimes, subscribe } = options.acknowledgements();
    const said = (): boolean =>
      runtimes().some((each) => {
        const acknowledgement = each.podUid === podUid ? each.acknowledgements.get(uid) : undefined;
        return acknowledgement?.accepted === true || acknowledgement?.servingRevision !== undefined;
      });
    return said() || soon(said, subscribe);
  }

  /** Whether it comes to hold in the time that one thing may overtake another. */
  function soon(holds: () => boolean, subscribe: (listener: () => void) => () => void): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (held: boolean): void => {
        stopWaiting();
        stopListening();
        resolve(held);
      };
      const stopWaiting = options.after(overtakingMs, () => settle(false));
      const stopListening = subscribe(() => {
        if (holds()) settle(true);
      });
    });
  }

  const entryOf = (uid: string): FunctionEntry | undefined => table.current()?.functions.get(uid);
  let unknown = 0;

  /** The replica that is asked may hear of a new function later than the one whose table the runtime follows. */
  async function lateEntry(uid: string): Promise<FunctionEntry | undefined> {
    if (unknown >= mostUnknown) return undefined;
    unknown += 1;
    await soon(
      () => entryOf(uid) !== undefined,
      (listener) => table.subscribe(listener),
    );
    unknown -= 1;
    return entryOf(uid);
  }

  async function perform(call: KubernetesCall, entry: FunctionEntry, signal: AbortSignal): Promise<KubernetesAnswer> {
    const { operation, arguments: wanted } = call;
    const { namespace, name, serviceAccountName } = entry;
    if (serviceAccountName === undefined) {
      return {
        ok: false,
        message:
          'the function has no ServiceAccount: set spec.serviceAccountName to one of its namespace that is labelled moonhook.dev/functions: "true"',
      };
    }
    const refusal = refuseCall(operation, wanted);
    if (refusal !== undefined) return { ok: false, message: refusal };
    const problem = await confirmAccount(namespace, serviceAccountName);
    if (problem !== undefined) return { ok: false, message: problem };
    const kind = await kinds.find(wanted.apiVersion, wanted.kind);
    if (!kind.ok) return failureFrom(kind.failure);
    const plan = planRequest(operation, wanted, kind.found, { namespace, name, serviceAccountName });
    if (!plan.ok) return plan;
    const answer = await client.text({ ...plan.request, signal, timeoutMs: callMs }, kubernetesBodyCap);
    return answer.ok ? { ok: true, text: answer.body } : failureFrom(answer);
  }

  async function answer(call: KubernetesCall, from: AskingPod, signal: AbortSignal): Promise<Answer> {
    const stranger = (why: string): Answer => {
      options.onStranger(from.podUid, call.function, why);
      return { ok: false, code: 'Refused', message: 'this runtime does not serve that function' };
    };
    const entry = entryOf(call.function) ?? (await lateEntry(call.function));
    const standing = entry && standingOf(entry, from.group);
    if (entry === undefined || standing === undefined) return stranger('it is not in the table of its group');
    // Waiting for the word of a runtime holds a place, too.
    const place = gate.enter(entry.uid, from.podUid);
    if (!place.ok) return { ok: false, code: 'Busy', message: place.message };
    try {
      // What a group is emptied of is not counted as served by it.
      if (standing === 'serves' && !(await isServed(entry.uid, from.podUid)))
        return stranger('it did not say that it serves it');
      // The account may have been taken away while it waited.
      const now = entryOf(call.function);
      if (now === undefined || standingOf(now, from.group) === undefined)
        return stranger('it was deleted or has moved');
      return { ok: true, body: await perform(call, now, signal) };
    } finally {
      place.leave();
    }
  }

  return async (body, from, signal) => {
    const reading = readKubernetesCall(body);
    const said: Answer = reading.ok
      ? await answer(reading.call, from, signal)
      : { ok: false, code: 'Refused', message: reading.problem };
    options.count?.(reading.ok ? reading.call.operation : undefined, said);
    return said;
  };
}

function failureFrom({
  status,
  reason,
  message,
  retryAfterMs,
}: Pick<KubeFailure, 'status' | 'reason' | 'message' | 'retryAfterMs'>): KubernetesAnswer {
  return {
    ok: false,
    message,
    reason,
    ...(status === 0 ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterSeconds: Math.ceil(retryAfterMs / 1000) }),
  };
}

/** How a group stands to a function; undefined: it has nothing of it. */
function standingOf({ group, leaving = [] }: FunctionEntry, asking: string): 'serves' | 'empties' | undefined {
  if (group === asking) return 'serves';
  return leaving.includes(asking) ? 'empties' : undefined;
}
