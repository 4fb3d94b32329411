/** `moonhook send NS/NAME --as github --event push -d @payload`: a request as the sender would make it, to `moonhook dev`. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { causeMessage, errorMessage } from '../failures/error-message.ts';
import { receivers } from '../receivers/catalogue.ts';
import { placeSecrets } from '../receivers/place-secrets.ts';
import { sampleOf } from '../receivers/read-samples.ts';
import type { SignedRequest } from '../receivers/types.ts';
import { collectValues } from './collect-values.ts';
import { askApi, findDevProcess, refused, type Answered, type Refusal } from './dev-client.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { findSender, type FoundSender } from './find-sender.ts';
import { wantsJson } from './output.ts';
import { readData, readMethod, readSecrets } from './read-input.ts';
import { readTarget, type TargetName } from './target-name.ts';

interface SendOptions {
  readonly namespace?: string;
  readonly as?: string;
  readonly trigger?: string;
  readonly event?: string;
  readonly data?: string;
  readonly path?: string;
  readonly method?: string;
  readonly secret?: readonly string[];
  readonly secretFile?: readonly string[];
  readonly envFile?: string;
  readonly dataDir?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerSend(program: Command): void {
  program
    .command('send')
    .description('send a request to a function as its sender would, signed with its secret')
    .argument('<function>', 'NAMESPACE/NAME, or NAME with -n')
    .option('-n, --namespace <namespace>', 'namespace of the function (default: default)')
    .option('--as <receiver>', 'the sender: github, hmac, bearer … (default: the one of the trigger)')
    .option('--trigger <name>', 'HTTP trigger, where there are several')
    .option('--event <name>', 'event in the words of the sender: push, pull_request.opened')
    .option('-d, --data <data>', 'body: text, @FILE or @- for standard input (default: a sample of the event)')
    .option('-X, --method <method>', 'method (default: that of the sender, else the first that the trigger takes)')
    .option('--path <path>', 'path and query instead of those of the trigger: /team-a/items/7?x=1')
    .option('--secret <value>', 'sign with this instead of the secret of the folder', collectValues)
    .option('--secret-file <file>', 'sign with the content of a file', collectValues)
    .option('--env-file <file>', 'SECRET.KEY=VALUE lines (default: the file given to moonhook dev)')
    .option('--data-dir <path>', 'data directory of the process')
    .option('-o, --output <format>', 'json')
    .addHelpText(
      'after',
      '\nExit codes: 0 answered 2xx, 1 answered otherwise, 2 unusable input, 4 not running, 5 not found.',
    )
    .action(async (name: string, options: SendOptions) => {
      process.exitCode = await send(name, options);
    });
}

async function send(text: string, options: SendOptions): Promise<number> {
  const json = wantsJson(options.output);
  if (json === undefined) return exitCodes.unusable;
  const target = readTarget(text, options.namespace);
  if (typeof target === 'string') return refused(unusable(target));
  const running = findDevProcess(options.dataDir);
  if (!running.ok) return refused(running);
  const described = await askApi(`/functions/${target.namespace}/${target.name}`, options.dataDir);
  if (!described.ok) return refused(described);
  const sender = await resolveSender(target, options);
  if (!sender.ok) return refused(sender);
  const url = findUrl(described.value, target, sender.value.trigger, options.path);
  if (!url.ok) return refused(url);
  const signed = makeRequest(sender.value, url.value, options);
  if (!signed.ok) return refused(signed);
  const wanted = options.method === undefined ? undefined : readMethod(options.method);
  if (options.method !== undefined && wanted === undefined)
    return refused(unusable(`-X takes a method such as POST, not ${JSON.stringify(options.method)}`));
  const request = fitMethod(signed.value, sender.value.methods, wanted);
  const open = options.path === undefined ? openParameter(request, url.value) : undefined;
  if (open === undefined) return post(running.value.publicUrl, request, url.value, json);
  return refused(unusable(`${url.value} has the parameter ${open}: give the whole path with --path`));
}

/** A sender that posts is of no use to a trigger that takes GET only. */
function fitMethod(signed: SignedRequest, methods: readonly string[], wanted: string | undefined): SignedRequest {
  const [first] = methods;
  const takes = first === undefined || methods.includes(signed.method);
  const method = wanted ?? (takes ? signed.method : first);
  return method === signed.method ? signed : { ...signed, method };
}

/** A parameter of the route that neither the user nor the receiver has filled. */
function openParameter(signed: SignedRequest, url: string): string | undefined {
  const [path = ''] = (signed.target ?? new URL(url).pathname).split('?', 1);
  return path.split('/').find((segment) => segment.startsWith(':') || segment === '*');
}

async function resolveSender(target: TargetName, options: SendOptions): Promise<Answered<FoundSender>> {
  const given = readSecrets(options.secret, options.secretFile);
  if (!given.ok) return unusable(given.message);
  const status = await askApi('/status', options.dataDir);
  if (!status.ok) return status;
  const running = status.value['envFile'];
  const envFile = options.envFile ?? (typeof running === 'string' ? running : undefined);
  const found = await findSender({
    ...target,
    folder: String(status.value['folder']),
    lookUpSecrets: given.value.length === 0,
    ...(options.trigger === undefined ? {} : { trigger: options.trigger }),
    ...(options.as === undefined ? {} : { as: options.as }),
    ...(envFile === undefined ? {} : { envFile }),
  });
  if (!found.ok) return unusable(found.message);
  const definition = receivers.get(found.value.choice.name);
  if (given.value.length === 0 || definition === undefined) return { ok: true, value: found.value };
  const { secrets, named = new Map() } = placeSecrets(definition, found.value.choice.fields, given.value);
  return { ok: true, value: { ...found.value, secrets, named } };
}

function findUrl(
  described: Readonly<Record<string, unknown>>,
  { namespace, name }: TargetName,
  trigger: string,
  path: string | undefined,
): Answered<string> {
  const { urls = [] } = described as { readonly urls?: readonly { trigger: string; url: string }[] };
  const url = urls.find((entry) => entry.trigger === trigger)?.url;
  if (url === undefined) {
    const message = `trigger ${trigger} of ${namespace}/${name} is mounted nowhere: see moonhook describe`;
    return { ok: false, exitCode: exitCodes.notFound, message };
  }
  if (path === undefined) return { ok: true, value: url };
  if (!/^\/[^\s#]*$/.test(path)) return unusable('--path begins with / and holds no space');
  return { ok: true, value: new URL(url).origin + path };
}

function makeRequest(sender: FoundSender, url: string, options: SendOptions): Answered<SignedRequest> {
  const definition = receivers.get(sender.choice.name);
  if (definition === undefined) return unusable(`there is no receiver "${sender.choice.name}"`);
  // Without a body of one's own: the sample of the event.
  const sample = options.data === undefined ? sampleOf(definition.profile.name, options.event) : undefined;
  const body = readData(options.data ?? sample?.body.toString() ?? '{}');
  if (!body.ok) return unusable(body.message);
  if (sample !== undefined && sample.body.length > 0 && options.event !== undefined && sample.event !== options.event) {
    const event = escapeText(options.event);
    process.stderr.write(
      `moonhook: no sample of "${event}": the body is that of "${sample.event}" (-d gives another)\n`,
    );
  }
  const { fields } = sender.choice;
  if (definition.profile.name === 'custom') {
    process.stderr.write('moonhook: how to sign for a custom receiver is known to its Lua only: sent unsigned\n');
  }
  const event = options.event ?? sample?.event ?? definition.guide.sampleEvent;
  const tools = { now: () => Date.now(), newId: () => randomUUID() };
  try {
    const { secrets, named } = sender;
    return { ok: true, value: definition.sign(event, body.value, url, fields, { secrets, named }, tools) };
  } catch (error) {
    return unusable(errorMessage(error));
  }
}

/** The answer of the function, as it came; a call id leads to `moonhook explain`. */
async function post(publicUrl: string, signed: SignedRequest, url: string, json: boolean): Promise<number> {
  const { pathname, search } = new URL(url);
  const target = signed.target ?? `${pathname}${search}`;
  const started = performance.now();
  let answer: Response;
  try {
    answer = await fetch(new URL(target, publicUrl), {
      method: signed.method,
      headers: signed.headers,
      ...(signed.method === 'GET' || signed.method === 'HEAD' ? {} : { body: Buffer.from(signed.body) }),
      redirect: 'manual',
    });
  } catch (error) {
    return refused({
      ok: false,
      exitCode: exitCodes.notRunning,
      message: `${publicUrl} does not answer: ${causeMessage(error)}`,
    });
  }
  const text = await answer.text();
  const milliseconds = Math.round(performance.now() - started);
  const callId = answer.headers.get('x-call-id') ?? undefined;
  if (json) {
    const headers = Object.fromEntries(answer.headers);
    process.stdout.write(`${JSON.stringify({ status: answer.status, callId, milliseconds, headers, body: text })}\n`);
  } else {
    process.stderr.write(
      `${answer.status} in ${milliseconds} ms${callId === undefined ? '' : `, call ${escapeText(callId)}`}\n`,
    );
    const first = answer.headers.get('x-moonhook-duplicate-of');
    if (first !== null) {
      process.stderr.write(
        `moonhook: the function did not run: it had this delivery before (${escapeText(first)}); another id in the body (-d) makes it a new one\n`,
      );
    }
    if (!answer.ok && callId !== undefined)
      process.stderr.write(`moonhook: why: moonhook explain ${escapeText(callId)}\n`);
    if (text !== '') process.stdout.write(process.stdout.isTTY ? `${escapeText(text)}\n` : text);
  }
  return answer.ok ? exitCodes.ok : exitCodes.failed;
}

function unusable(message: string): Refusal {
  return { ok: false, exitCode: exitCodes.unusable, message };
}
