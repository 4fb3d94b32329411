/**
 * A draft run on a realistic event without touching anything live: a local run of its own, in a folder of its own, with
 * placeholders for secrets and an empty store; the function answers there through the whole real path.
 */
import { randomUUID } from 'node:crypto';
import { causeMessage, errorMessage } from '../failures/error-message.ts';
import type { Draft } from '../console/console-source.ts';
import type { TryOrder, TryReport } from '../console/try-types.ts';
import { toPlainRecord } from '../runtime/live/plain-record.ts';
import type { LocalRun } from '../local/run-local.ts';
import { receivers } from '../receivers/catalogue.ts';
import { tellStories } from '../runtime/tell-story.ts';
import { serveStandIn } from '../runtime/stand-in.ts';
import { findSender } from './find-sender.ts';
import { findResource, isolate, secretsOf, TryRefused, type DraftSecret } from './isolate-draft.ts';
import { createAnswerTable, type AnswerTable } from './try-answers.ts';
import { serveDocuments } from './serve-documents.ts';
import { startTryRun, type StartTryRun } from './try-run.ts';
import { createObjectTable, readObjects, type ObjectTable } from './try-objects.ts';

type Plain = Record<string, unknown>;
type Sent = NonNullable<TryReport['sent']>;

export async function tryDraft(
  namespace: string,
  name: string,
  draft: Draft & { readonly luaFile?: string },
  order: TryOrder,
  take: StartTryRun = startTryRun,
): Promise<TryReport> {
  const { resource, configuration } = findResource(draft, namespace, name);
  const spec = resource['spec'] as Plain;
  // In a file of its own, so that lines of errors are lines of the Lua.
  const code = draft.luaFile === undefined ? spec['code'] : draft.lua;
  if (typeof code === 'string') {
    delete spec['code'];
    spec['codeFrom'] = { file: 'draft.lua' };
  }
  const http = isolate(spec, order.trigger);
  const secrets = secretsOf(resource, order.secrets ?? {});
  const objects = readObjects(order.objects ?? '');
  if (!objects.ok) throw new TryRefused(objects.message);
  const answers = createAnswerTable(order.answers ?? []);
  const cluster = createObjectTable(objects.objects, namespace);
  const given = await take(order.network);
  const { run } = given;
  const standIn = serveStandIn(given.channel, {
    request: async (request) => answers.answer(request),
    kubernetes: async (question) => cluster.answer(question),
  });
  try {
    const { namespace: own = 'default' } = (resource['metadata'] ?? {}) as Plain;
    const documents = [resource, ...configuration, ...secretsIn(String(own), secrets)];
    await serveDocuments(run, { name, documents, ...(typeof code === 'string' ? { code } : {}) });
    const { answer, sent } = http
      ? await sendAsSender(run, given.folder, namespace, name, order)
      : { answer: await callByName(run, namespace, name, order), sent: undefined };
    return await reportOf(run, answer, sent, answers, cluster);
  } finally {
    standIn.close();
    await given.end();
  }
}

function secretsIn(namespace: string, secrets: readonly DraftSecret[]): readonly Plain[] {
  const byName = Map.groupBy(secrets, ({ name }) => name);
  return [...byName].map(([name, entries]) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name, namespace },
    stringData: Object.fromEntries(entries.map(({ key, value }) => [key, value])),
  }));
}

async function sendAsSender(
  run: LocalRun,
  folder: string,
  namespace: string,
  name: string,
  order: TryOrder,
): Promise<{ readonly answer: Response; readonly sent: Sent }> {
  const { trigger = '' } = order;
  const found = await findSender({ folder, namespace, name, trigger, lookUpSecrets: true });
  if (!found.ok) throw new TryRefused(found.message);
  const { choice, secrets, named, methods } = found.value;
  const definition = receivers.get(choice.name);
  const state = [...run.states().values()].find(({ verdict }) => verdict.name === name);
  const url = state?.verdict.urls.find((each) => each.trigger === trigger)?.url;
  if (definition === undefined || url === undefined) throw new TryRefused(`trigger ${trigger} is mounted nowhere`);
  const target = order.path === undefined ? url : new URL(url).origin + order.path;
  const tools = { now: () => Date.now(), newId: () => randomUUID() };
  const body = Buffer.from(order.body ?? '{}');
  const event = order.event ?? definition.guide.sampleEvent;
  let signed;
  try {
    signed = definition.sign(event, body, target, choice.fields, { secrets, named }, tools);
  } catch (error) {
    throw new TryRefused(errorMessage(error));
  }
  const [first] = methods;
  const usual = first === undefined || methods.includes(signed.method) ? signed.method : first;
  const method = order.method ?? usual;
  const { pathname, search } = new URL(target);
  const sent: Sent = {
    method,
    target: signed.target ?? `${pathname}${search}`,
    headers: [...merged(asItCame(Object.entries(signed.headers), order.eventHeaders ?? []), order.headers ?? [])],
  };
  const to = URL.parse(sent.target, run.addresses.public);
  // A path such as //HOST/ names another host.
  if (to?.origin !== new URL(run.addresses.public).origin) {
    throw new TryRefused(`the path ${JSON.stringify(order.path ?? sent.target)} leads elsewhere than to the function`);
  }
  try {
    const answer = await fetch(to, {
      method,
      headers: sent.headers.map(([name, value]): [string, string] => [name, value]),
      ...(method === 'GET' || method === 'HEAD' ? {} : { body: Buffer.from(signed.body) }),
      redirect: 'manual',
    });
    return { answer, sent };
  } catch (error) {
    // A method or a header that no client sends.
    throw new TryRefused(causeMessage(error));
  }
}

/** Of one hop: whoever sends makes its own. */
const ofTheHop =
  /^(?:host|connection|keep-alive|te|trailer|transfer-encoding|upgrade|content-length|content-encoding|expect|proxy-.*)$/i;

/** A real request signed anew: what proves the sender is made for this one, everything else is as it came. */
function asItCame(signed: Sent['headers'], real: Sent['headers']): Sent['headers'] {
  const kept = real.filter(([name, value]) => !ofTheHop.test(name) && value !== '***');
  const type = kept.filter(([name]) => name.toLowerCase() === 'content-type');
  return merged(kept, type.length === 0 ? signed : merged(signed, type));
}

/** Those of the user stand in the place of the sender's. */
function merged(theirs: Sent['headers'], own: Sent['headers']): Sent['headers'] {
  const replaced = new Set(own.map(([name]) => name.toLowerCase()));
  return [...theirs.filter(([name]) => !replaced.has(name.toLowerCase())), ...own.filter(([name]) => name !== '')];
}

/** Triggers that no request reaches: the handler gets the data as an active call. */
function callByName(run: LocalRun, namespace: string, name: string, order: TryOrder): Promise<Response> {
  const table = run.view.table();
  const entry = [...table.functions.values()].find((each) => each.name === name);
  const named = entry?.triggers.some((trigger) => trigger.name === order.trigger) === true;
  return fetch(`${run.addresses.calls}/function/${namespace}/${name}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${run.token}`,
      'content-type': order.eventHeaders?.find(([header]) => header === 'content-type')?.[1] ?? 'application/json',
      ...(named ? { 'x-moonhook-trigger': order.trigger ?? '' } : {}),
    },
    body: order.body ?? '{}',
    redirect: 'manual',
  });
}

async function reportOf(
  run: LocalRun,
  answer: Response,
  sent: Sent | undefined,
  answers: AnswerTable,
  cluster: ObjectTable,
): Promise<TryReport> {
  const body = Buffer.from(await answer.arrayBuffer());
  const callId = answer.headers.get('x-call-id') ?? undefined;
  const records = callId === undefined ? [] : await run.view.findRecords({ id: callId });
  const [record] = records;
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: body.toString('utf8'),
    story: tellStories(records),
    ...(sent === undefined ? {} : { sent }),
    requests: answers.asked,
    kubernetes: cluster.calls,
    ...(record === undefined ? {} : { record: toPlainRecord(record) as Plain }),
  };
}
