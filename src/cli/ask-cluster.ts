/** Speaks to the API server of a cluster as the user of a kubeconfig, and says what is missing where it refuses. */
import { errorMessage } from '../failures/error-message.ts';
import { createKubeClient, type KubeClient } from '../controller/kube-client.ts';
import type { KubeFailure, KubeRequest } from '../controller/kube-answer.ts';
import { createCredentialReader } from '../controller/kube-credentials.ts';
import { checkAnswer } from './check-answer.ts';
import type { Answered, Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { version } from './package-version.ts';
import type { PlainObject } from './run-client.ts';

export interface ClusterDesk {
  /** Of the context. */
  readonly namespace: string | undefined;
  readonly label: string;
  ask(request: KubeRequest): Promise<Answered<PlainObject>>;
  /** Lines of a watch. */
  stream(request: KubeRequest): Promise<Answered<AsyncIterable<string>>>;
}

/** The API server ends a request after a minute. */
const patienceMs = 65_000;

export function openClusterDesk(options: {
  readonly context?: string;
  readonly kubeconfig?: string;
}): Answered<ClusterDesk> {
  const { context, kubeconfig } = options;
  let client: KubeClient;
  let reader: ReturnType<typeof createCredentialReader>;
  try {
    reader = createCredentialReader(
      {
        kind: 'file',
        ...(kubeconfig === undefined ? {} : { path: kubeconfig }),
        ...(context === undefined ? {} : { context }),
      },
      () => performance.now(),
    );
    client = createKubeClient(reader, `moonhook/${version}`);
  } catch (error) {
    const message = errorMessage(error);
    return { ok: false, exitCode: exitCodes.unusable, message: `the kubeconfig cannot be used: ${message}` };
  }
  const label = context === undefined ? 'the current context' : `context ${context}`;
  return {
    ok: true,
    value: {
      namespace: reader.namespace,
      label,
      async ask(request) {
        const answer = await client.request<unknown>({ timeoutMs: patienceMs, ...request });
        return answer.ok ? checkAnswer(answer.body, request.path) : refusalOf(answer, label);
      },
      async stream(request) {
        const answer = await client.stream(request);
        return answer.ok ? { ok: true, value: answer.body.lines } : refusalOf(answer, label);
      },
    },
  };
}

/** Why the API server does not do it, in its own words where it has some. */
function refusalOf({ status, reason, message, taken }: KubeFailure, label: string): Refusal {
  const refuse = (exitCode: number, text: string): Refusal => ({
    ok: false,
    exitCode,
    message: text,
    ...(taken === undefined ? {} : { taken }),
  });
  if (reason === 'NoCredentials') return refuse(exitCodes.unusable, `no credentials of ${label}: ${message}`);
  if (status === 0) return refuse(exitCodes.notRunning, `the API server does not answer: ${message}`);
  if (status === 401) {
    const remedy = `the credentials of ${label} are of no use there, or have expired`;
    return refuse(exitCodes.failed, `the API server does not know you (${message}): ${remedy}`);
  }
  if (status === 404 && /page not found|could not find the requested resource/.test(message)) {
    return refuse(
      exitCodes.notRunning,
      'this cluster has no API run.moonhook.dev: install Moonhook there, with aggregatedApi.enabled',
    );
  }
  if (status === 404) return refuse(exitCodes.notFound, message);
  if (status === 400 || status === 422) return refuse(exitCodes.unusable, message);
  if (status === 503) return refuse(exitCodes.notRunning, `run.moonhook.dev does not answer: ${message}`);
  return refuse(exitCodes.failed, reason === 'Forbidden' ? message : `${message} (${status} ${reason})`);
}
