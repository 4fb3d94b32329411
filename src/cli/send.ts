/** `moonhook send NS/NAME --as github --event push -d @payload`: a request as the sender would make it, to `moonhook dev`. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { readDevProcess, type DevProcess } from '../local/data-directory.ts';
import { receivers } from '../receivers/catalogue.ts';
import type { SignedRequest } from '../receivers/types.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { findSender, type FoundSender } from './find-sender.ts';
import { complain, wantsJson } from './output.ts';
import { readData, readSecrets } from './read-input.ts';

interface SendOptions {
  readonly namespace?: string;
  readonly as?: string;
  readonly trigger?: string;
  readonly event?: string;
  readonly data?: string;
  readonly path?: string;
  readonly secret?: readonly string[];
  readonly secretFile?: readonly string[];
  readonly envFile?: string;
  readonly dataDir: string;
  readonly output?: string;
}

type Outcome<Value> = { readonly value: Value } | { readonly exit: number };

const collect = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value];

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
    .option('-d, --data <data>', 'body: text, @FILE or @- for standard input (default: {})')
    .option('--path <path>', 'path and query instead of those of the trigger: /team-a/items/7?x=1')
    .option('--secret <value>', 'sign with this instead of the secret of the folder', collect)
    .option('--secret-file <file>', 'sign with the content of a file', collect)
    .option('--env-file <file>', 'SECRET.KEY=VALUE lines, as given to moonhook dev')
    .option('--data-dir <directory>', 'data directory of moonhook dev', '.moonhook')
    .option('-o, --output <format>', 'json')
    .addHelpText(
      'after',
      '\nExit codes: 0 answered 2xx, 1 answered otherwise, 2 unusable input, 4 not running, 5 not found.',
    )
    .action(async (name: string, options: SendOptions) => {
      process.exitCode = await send(name, options);
    });
}

async function send(name: string, options: SendOptions): Promise<number> {
  const json = wantsJson(options.output);
  if (json === undefined) return exitCodes.unusable;
  const slash = name.indexOf('/');
  const target = {
    namespace: slash === -1 ? (options.namespace ?? 'default') : name.slice(0, slash),
    name: name.slice(slash + 1),
  };
  const running = readDevProcess(options.dataDir);
  if (!running.ok) {
    complain(`${running.message}; is \`moonhook dev\` running? (--data-dir)`);
    return exitCodes.notRunning;
  }
  const sender = await resolveSender(running.value, target, options);
  if ('exit' in sender) return sender.exit;
  const url = await findUrl(running.value, target, sender.value.trigger, options.path);
  if ('exit' in url) return url.exit;
  const signed = makeRequest(sender.value, url.value, options);
  if ('exit' in signed) return signed.exit;
  return post(running.value, signed.value, url.value, json);
}

async function resolveSender(
  running: DevProcess,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  options: SendOptions,
): Promise<Outcome<FoundSender>> {
  const given = readSecrets(options.secret, options.secretFile);
  if (!given.ok) return unusable(given.message);
  const status = await ask(running, '/-/api/status');
  if ('exit' in status) return status;
  const { folder } = status.value as { readonly folder: string };
  const found = await findSender({
    folder,
    namespace,
    name,
    lookUpSecrets: given.value.length === 0,
    ...(options.trigger === undefined ? {} : { trigger: options.trigger }),
    ...(options.as === undefined ? {} : { as: options.as }),
    ...(options.envFile === undefined ? {} : { envFile: options.envFile }),
  });
  if (!found.ok) return unusable(found.message);
  return { value: given.value.length === 0 ? found.value : { ...found.value, secrets: given.value } };
}

async function findUrl(
  running: DevProcess,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  trigger: string,
  path: string | undefined,
): Promise<Outcome<string>> {
  const described = await ask(running, `/-/api/functions/${encodeURIComponent(namespace)}/${encodeURIComponent(name)}`);
  if ('exit' in described) return described;
  const { urls = [] } = described.value as { readonly urls?: readonly { trigger: string; url: string }[] };
  const url = urls.find((entry) => entry.trigger === trigger)?.url;
  if (url === undefined) {
    complain(`trigger ${trigger} of ${namespace}/${name} is mounted nowhere: see moonhook describe`);
    return { exit: exitCodes.notFound };
  }
  if (path === undefined) return { value: url };
  if (!path.startsWith('/')) return unusable('--path must begin with /');
  return { value: new URL(url).origin + path };
}

function makeRequest(sender: FoundSender, url: string, options: SendOptions): Outcome<SignedRequest> {
  const definition = receivers.get(sender.choice.name);
  if (definition === undefined) return unusable(`there is no receiver "${sender.choice.name}"`);
  const body = readData(options.data ?? '{}');
  if (!body.ok) return unusable(body.message);
  const { fields } = sender.choice;
  if (definition.profile.name === 'custom') {
    process.stderr.write('moonhook: how to sign for a custom receiver is known to its Lua only: sent unsigned\n');
  }
  const event = options.event ?? definition.guide.sampleEvent;
  const tools = { now: () => Date.now(), newId: () => randomUUID() };
  try {
    return { value: definition.sign(event, body.value, url, fields, { secrets: sender.secrets }, tools) };
  } catch (error) {
    return unusable(error instanceof Error ? error.message : String(error));
  }
}

/** The answer of the function, as it came; a call id leads to `moonhook explain`. */
async function post(running: DevProcess, signed: SignedRequest, url: string, json: boolean): Promise<number> {
  const { pathname, search } = new URL(url);
  const target = signed.target ?? `${pathname}${search}`;
  const started = performance.now();
  let answer: Response;
  try {
    answer = await fetch(new URL(target, running.publicUrl), {
      method: signed.method,
      headers: signed.headers,
      ...(signed.method === 'GET' || signed.method === 'HEAD' ? {} : { body: Buffer.from(signed.body) }),
      redirect: 'manual',
    });
  } catch (error) {
    complain(`${running.publicUrl} does not answer: ${reasonOf(error)}`);
    return exitCodes.notRunning;
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
    if (text !== '') process.stdout.write(process.stdout.isTTY ? `${escapeText(text)}\n` : text);
  }
  return answer.ok ? exitCodes.ok : exitCodes.failed;
}

async function ask(running: DevProcess, path: string): Promise<Outcome<unknown>> {
  try {
    const answer = await fetch(new URL(path, running.adminUrl), {
      headers: { authorization: `Bearer ${running.token}` },
    });
    const body: unknown = await answer.json();
    if (answer.ok) return { value: body };
    complain(
      (body as { readonly detail?: string; readonly title?: string }).detail ?? `${path} answered ${answer.status}`,
    );
    return { exit: answer.status === 404 ? exitCodes.notFound : exitCodes.failed };
  } catch (error) {
    complain(`${running.adminUrl} does not answer: ${reasonOf(error)}`);
    return { exit: exitCodes.notRunning };
  }
}

function unusable(message: string): { readonly exit: number } {
  complain(message);
  return { exit: exitCodes.unusable };
}

/** `fetch` hides why it failed in the cause. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
