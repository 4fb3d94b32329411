/**
 * A draft run on a realistic event without touching anything live: a local run of its own, in a folder of its own, with
 * placeholders for secrets and an empty store; the function answers there through the whole real path.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAllDocuments, stringify } from 'yaml';
import type { Draft, TryOrder, TryReport } from '../console/console-source.ts';
import { toPlainRecord } from '../runtime/live/plain-record.ts';
import { runLocal, type LocalRun } from '../local/run-local.ts';
import { systemTimers } from '../local/system-timers.ts';
import { receivers } from '../receivers/catalogue.ts';
import { tellStories } from '../runtime/tell-story.ts';
import { readDevSettings } from '../settings/dev-settings.ts';
import { findSender } from './find-sender.ts';
import { version } from './package-version.ts';

type Plain = Record<string, unknown>;

/** Secrets whose form the sender dictates. */
const prefixed: ReadonlySet<string> = new Set(['standardWebhooks', 'gitlab', 'svix']);
const quietLog = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Why a draft cannot be tried; the message says what to do. */
export class TryRefused extends Error {}

export async function tryDraft(
  namespace: string,
  name: string,
  draft: Draft & { readonly luaFile?: string },
  order: TryOrder,
): Promise<TryReport> {
  const { resource, configuration } = findResource(draft, namespace, name);
  const spec = resource['spec'] as Plain;
  // In a file of its own, so that lines of errors are lines of the Lua.
  const code = draft.luaFile === undefined ? spec['code'] : draft.lua;
  if (typeof code === 'string') {
    delete spec['code'];
    spec['codeFrom'] = { file: 'draft.lua' };
  }
  const http = isolate(spec, order);
  const secrets = placeholders(resource);
  const folder = mkdtempSync(join(tmpdir(), 'moonhook-try-'));
  let run: LocalRun | undefined;
  try {
    writeFileSync(
      join(folder, 'draft.yaml'),
      [resource, ...configuration].map((each) => stringify(each)).join('---\n'),
    );
    if (typeof code === 'string') writeFileSync(join(folder, 'draft.lua'), code);
    writeFileSync(join(folder, 'secrets.env'), [...secrets].map(([key, value]) => `${key}=${value}\n`).join(''));
    run = await start(folder);
    const wrong = [...run.states().values()].find(({ verdict }) => verdict.name === name);
    const ready = wrong?.summary.conditions.find(({ type }) => type === 'Ready');
    if (ready?.status !== 'True')
      throw new TryRefused(ready?.message ?? run.diagnostics()[0]?.message ?? 'it does not load');
    const answer = http
      ? await sendAsSender(run, folder, namespace, name, order)
      : await callByName(run, namespace, name, order);
    return await reportOf(run, answer);
  } finally {
    await run?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function start(folder: string): Promise<LocalRun> {
  const read = readDevSettings({
    folder,
    port: '0',
    callPort: '0',
    adminPort: '0',
    dataDir: join(folder, '.data'),
    envFile: join(folder, 'secrets.env'),
  });
  if (!read.ok) throw new Error(read.mistakes.join('; '));
  const result = await runLocal({
    settings: read.settings,
    version,
    log: quietLog,
    print: () => {},
    timers: systemTimers,
    now: () => Date.now(),
    randomBytes: (count) => randomBytes(count),
    onLost: () => {},
  });
  if (!result.ok) throw new TryRefused(result.lines.join('; '));
  return result.run;
}

/** The function of the draft, and what configures it in the same file: nothing else of the file is tried. */
function findResource(draft: Draft, namespace: string, name: string) {
  const documents = parseAllDocuments(draft.yaml);
  const broken = documents.find(({ errors }) => errors.length > 0)?.errors[0];
  if (broken !== undefined) throw new TryRefused(broken.message);
  const objects = documents.map((document) => document.toJS() as Plain | null).filter((object) => object !== null);
  const nameOf = ({ metadata }: Plain): string => {
    const { namespace: own = 'default', name: called } = (metadata ?? {}) as Plain;
    return `${String(own)}/${String(called)}`;
  };
  const resource = objects.find(
    (object) => object['kind'] === 'WebhookFunction' && nameOf(object) === `${namespace}/${name}`,
  );
  if (resource === undefined) throw new TryRefused(`the text holds no WebhookFunction ${namespace}/${name}`);
  const configuration = objects.filter(({ kind }) => kind === 'ConfigMap');
  return { resource, configuration };
}

/** One trigger alone, answered at once: no schedule fires beside it, nothing waits. True: it is an HTTP trigger. */
function isolate(spec: Plain, { trigger, network }: TryOrder): boolean {
  const triggers = (spec['triggers'] ?? []) as Plain[];
  const chosen = triggers.find((each) => each['name'] === trigger);
  if (trigger !== undefined && chosen === undefined) throw new TryRefused(`there is no trigger "${trigger}"`);
  const http = chosen?.['http'] as Plain | undefined;
  // A name that no lookup ever finds (RFC 6761 §6.4): every request is refused by the function's own list.
  if (network === 'none') spec['egress'] = { allow: ['nothing.invalid'] };
  delete spec['suspend'];
  delete spec['serviceAccountName'];
  if (chosen === undefined || http === undefined) {
    const schedule = chosen?.['schedule'] as Plain | undefined;
    // What is due on a leap day only does not fire beside the try.
    if (schedule !== undefined) spec['triggers'] = [{ ...chosen, schedule: { ...schedule, cron: '0 0 29 2 *' } }];
    else if (chosen?.['event'] === undefined) delete spec['triggers'];
    else spec['triggers'] = [chosen];
    return false;
  }
  for (const field of ['ackAfter', 'publish', 'rate', 'dedup', 'debounce', 'concurrency', 'retry']) {
    delete http[field];
    delete chosen[field];
  }
  spec['triggers'] = [{ ...chosen, http: { ...http, mode: 'sync' } }];
  return true;
}

/** A value for every key of a Secret that the resource names, in the form that its sender gives out. */
function placeholders(resource: Plain): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, key: string, receiver: string): void => {
    if (Array.isArray(value)) for (const each of value) walk(each, key, receiver);
    else if (typeof value === 'object' && value !== null) {
      const { name, key: entry } = value as Plain;
      if (/Refs?$/.test(key) && !key.startsWith('configMap') && typeof name === 'string' && typeof entry === 'string') {
        const value = prefixed.has(receiver)
          ? `whsec_${randomBytes(32).toString('base64')}`
          : randomBytes(32).toString('hex');
        found.set(`${name}.${entry}`, value);
      }
      for (const [member, each] of Object.entries(value)) walk(each, member, key === 'receiver' ? member : receiver);
    }
  };
  walk(resource['spec'], 'spec', '');
  return found;
}

async function sendAsSender(
  run: LocalRun,
  folder: string,
  namespace: string,
  name: string,
  order: TryOrder,
): Promise<Response> {
  const { trigger = '' } = order;
  const envFile = join(folder, 'secrets.env');
  const found = await findSender({ folder, namespace, name, trigger, envFile, lookUpSecrets: true });
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
    throw new TryRefused(error instanceof Error ? error.message : String(error));
  }
  const [first] = methods;
  const method = first === undefined || methods.includes(signed.method) ? signed.method : first;
  const { pathname, search } = new URL(target);
  return fetch(new URL(signed.target ?? `${pathname}${search}`, run.addresses.public), {
    method,
    headers: signed.headers,
    ...(method === 'GET' || method === 'HEAD' ? {} : { body: Buffer.from(signed.body) }),
    redirect: 'manual',
  });
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
      'content-type': 'application/json',
      ...(named ? { 'x-moonhook-trigger': order.trigger ?? '' } : {}),
    },
    body: order.body ?? '{}',
    redirect: 'manual',
  });
}

async function reportOf(run: LocalRun, answer: Response): Promise<TryReport> {
  const body = Buffer.from(await answer.arrayBuffer());
  const callId = answer.headers.get('x-call-id') ?? undefined;
  const records = callId === undefined ? [] : await run.view.findRecords({ id: callId });
  const [record] = records;
  return {
    status: answer.status,
    headers: Object.fromEntries(answer.headers),
    body: body.toString('utf8'),
    story: tellStories(records),
    ...(record === undefined ? {} : { record: toPlainRecord(record) as Plain }),
  };
}
