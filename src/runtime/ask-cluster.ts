/** Sends a function's Kubernetes call to a controller, and reads its answer. */
import type { KubernetesAnswer } from '../host/kubernetes-types.ts';
import type { FunctionKubernetesCall } from './kubernetes-desk.ts';
import type { LinkClient } from './link/link-client.ts';

const longestMs = 35_000;

export async function askCluster(
  { remainingMs, ...call }: FunctionKubernetesCall,
  signal: AbortSignal,
  links: Pick<LinkClient, 'ask'> | undefined,
): Promise<KubernetesAnswer> {
  const timeoutMs = Math.max(1, Math.min(longestMs, Math.ceil(remainingMs)));
  const answer = await links?.ask('kubernetes', call, { timeoutMs, signal });
  if (answer === undefined) return { ok: false, reason: 'Away', message: 'the runtime has no links yet' };
  if (!answer.ok) return { ok: false, reason: answer.code, message: answer.message };
  return readAnswer(answer.body) ?? { ok: false, reason: 'Garbled', message: 'the controller gave no answer' };
}

function readAnswer(body: unknown): KubernetesAnswer | undefined {
  const { ok, text, message, status, reason, retryAfterSeconds } = (body ?? {}) as Readonly<Record<string, unknown>>;
  if (ok === true) return typeof text === 'string' ? { ok, text } : undefined;
  if (ok !== false || typeof message !== 'string') return undefined;
  return {
    ok,
    message,
    ...(typeof status === 'number' ? { status } : {}),
    ...(typeof reason === 'string' ? { reason } : {}),
    ...(typeof retryAfterSeconds === 'number' ? { retryAfterSeconds } : {}),
  };
}
