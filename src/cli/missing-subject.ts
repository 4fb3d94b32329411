/** Whether nobody has the name that was asked for; then what is called nearly so, or stands elsewhere. */
import { suggest } from '../function/suggest.ts';
import type { Refusal } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import type { RunClient } from './run-client.ts';
import type { SubjectName } from './subject-name.ts';

/** Undefined: there is one, or the run does not say. */
export async function whyMissing(client: RunClient, subject: SubjectName): Promise<Refusal | undefined> {
  const { kind, namespace, name } = subject;
  const answer = await client.describe(kind, namespace, name);
  if (answer.ok || answer.exitCode !== exitCodes.notFound) return undefined;
  // A local run has looked for functions itself.
  if (answer.message.includes('; ')) return answer;
  const message = `there is no ${kind} ${namespace}/${name}${await insteadOf(client, subject)}`;
  return { ok: false, exitCode: exitCodes.notFound, message };
}

/** A refusal because there is no such subject, with what there is instead. */
export async function withHint(client: RunClient, refusal: Refusal, subject: SubjectName): Promise<Refusal> {
  if (refusal.exitCode !== exitCodes.notFound) return refusal;
  const missing = await whyMissing(client, subject);
  const at = missing?.message.indexOf('; ') ?? -1;
  return missing === undefined || at === -1
    ? refusal
    : { ...refusal, message: `${refusal.message}${missing.message.slice(at)}` };
}

async function insteadOf(client: RunClient, { kind, namespace, name }: SubjectName): Promise<string> {
  const [functions, subscriptions] = await Promise.all([
    namesOf(client.listFunctions(namespace)),
    namesOf(client.listSubscriptions(namespace)),
  ]);
  const [same, other] = kind === 'function' ? [functions, subscriptions] : [subscriptions, functions];
  const [prefix, otherPrefix] = kind === 'function' ? ['', 'whs/'] : ['whs/', 'whf/'];
  if (other.includes(name)) return `; there is ${otherPrefix}${namespace}/${name}`;
  const near = suggest(name, same);
  if (near !== undefined) return `; did you mean ${prefix}${namespace}/${near}?`;
  const far = suggest(name, other);
  return far === undefined ? '' : `; did you mean ${otherPrefix}${namespace}/${far}?`;
}

/** None where they may not be listed. */
async function namesOf(
  asked: ReturnType<RunClient['listFunctions' | 'listSubscriptions']>,
): Promise<readonly string[]> {
  const answer = await asked;
  return answer.ok ? answer.value.map(({ name }) => name) : [];
}
