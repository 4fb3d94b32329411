/** Kubernetes calls of the functions on one worker thread: handed to the main thread, which has the links. */
import type { KubernetesAnswer, KubernetesCaller, KubernetesQuestion } from '../host/kubernetes-types.ts';
import type { FromWorker } from './worker-messages.ts';

/** A call as the controller is asked: {function uid, revision, call id, operation, arguments}. */
export interface FunctionKubernetesCall extends KubernetesQuestion {
  /** Uid. */
  readonly function: string;
  /** Milliseconds that the function has left. */
  readonly remainingMs: number;
}

/** It must not reject. */
export type MakeKubernetesCall = (call: FunctionKubernetesCall, signal: AbortSignal) => Promise<KubernetesAnswer>;

/** Where no controller is: a local run. */
export const noCluster: KubernetesAnswer = {
  ok: false,
  reason: 'NoCluster',
  message:
    'there is no cluster in a local run: apply the function to a cluster that has Moonhook installed, with spec.serviceAccountName set, or start the run with --kube',
};

export interface KubernetesDesk {
  callerFor(uid: string): KubernetesCaller;
  answered(id: number, answer: KubernetesAnswer): void;
}

const givenUp: KubernetesAnswer = { ok: false, message: 'the call has ended' };

export function createKubernetesDesk(send: (message: FromWorker) => void): KubernetesDesk {
  const waiting = new Map<number, (answer: KubernetesAnswer) => void>();
  let nextId = 1;

  function call(asked: FunctionKubernetesCall, signal: AbortSignal): Promise<KubernetesAnswer> {
    if (signal.aborted) return Promise.resolve(givenUp);
    const id = nextId++;
    return new Promise((resolve) => {
      const settle = (answer: KubernetesAnswer): void => {
        waiting.delete(id);
        signal.removeEventListener('abort', giveUp);
        resolve(answer);
      };
      const giveUp = (): void => {
        send({ kind: 'kubernetesGivenUp', id });
        settle(givenUp);
      };
      signal.addEventListener('abort', giveUp, { once: true });
      waiting.set(id, settle);
      send({ kind: 'kubernetes', id, call: asked });
    });
  }

  return {
    callerFor: (uid) => ({
      call: (question, remainingMs, signal) => call({ function: uid, remainingMs, ...question }, signal),
    }),
    answered: (id, answer) => waiting.get(id)?.(answer),
  };
}
