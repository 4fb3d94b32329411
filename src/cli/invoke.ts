/** `moonhook invoke NS/NAME`: calls a function and prints its answer. */
import type { Command } from 'commander';
import { placedMessage } from '../failures/placed-message.ts';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { collectValues } from './collect-values.ts';
import { refused } from './dev-client.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { whyMissing } from './missing-subject.ts';
import { complain, wantsJson } from './output.ts';
import { readData, readMethod } from './read-input.ts';
import type { RunClient } from './run-client.ts';
import { readTarget, type TargetName } from './target-name.ts';

interface InvokeOptions extends RunOptions {
  readonly namespace?: string;
  readonly trigger?: string;
  readonly data?: string;
  readonly header?: readonly string[];
  readonly method?: string;
  readonly path?: string;
  readonly async?: boolean;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerInvoke(program: Command): void {
  withRunOptions(program.command('invoke'))
    .description('call a function and print its answer; no receiver is asked')
    .argument('<function>', 'NAMESPACE/NAME, or NAME')
    .option('-n, --namespace <namespace>', 'namespace of a NAME (default: default)')
    .option('--trigger <name>', 'run the handler of this trigger (default: the handler `call`, else `default`)')
    .option('-d, --data <data>', 'body: text, @FILE, or @- for standard input; JSON unless -H says otherwise')
    .option('-H, --header <line>', "a header: 'Content-Type: text/plain'", collectValues)
    .option('-X, --method <method>', 'method the function sees (default: one that the trigger takes, else POST)')
    .option('--path <path>', 'path and query the function sees: /items/7?x=1')
    .option('--async', 'store the call and print its id; it runs on its own')
    .option('-o, --output <format>', 'json: status, headers and body')
    .addHelpText(
      'after',
      '\nExit codes: 0 the function answered below 400, 1 it did not, 2 unusable input, 4 no `moonhook dev`, 5 no such function.',
    )
    .action(async (text: string, options: InvokeOptions) => {
      process.exitCode = await invoke(text, options);
    });
}

async function invoke(text: string, given: InvokeOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const json = wantsJson(options.output);
  const target = readTarget(text, options.namespace);
  const headers = readHeaders(options);
  const unusable = (message: string): number => {
    complain(message);
    return exitCodes.unusable;
  };
  if (json === undefined) return exitCodes.unusable;
  if (typeof target === 'string') return unusable(target);
  if (typeof headers === 'string') return unusable(headers);
  const path = options.path ?? '';
  if (path !== '' && !/^\/[^\s#]*$/.test(path)) return unusable('--path begins with / and holds no space');
  const body = options.data === undefined ? undefined : readData(options.data);
  if (body?.ok === false) return unusable(body.message);
  const method = readMethod(options.method ?? (await methodOf(client, target, options)) ?? 'POST');
  if (method === undefined) return unusable(`-X takes a method such as POST, not ${JSON.stringify(options.method)}`);
  if (body !== undefined && (method === 'GET' || method === 'HEAD'))
    return unusable(`${method} carries no body: leave -d out, or choose a method with -X`);
  const answer = await client.invoke({
    namespace: target.namespace,
    name: target.name,
    asynchronous: options.async === true,
    method,
    path,
    headers,
    ...(body === undefined ? {} : { body: new Uint8Array(body.value) }),
  });
  if (!answer.ok) return refused(answer);
  const exitCode = await print(answer.value, json);
  // The answer of the runtime tells callers nothing of other functions; the run's own client may.
  if (exitCode === exitCodes.notFound && !json) {
    const missing = await whyMissing(client, { kind: 'function', ...target });
    if (missing?.message.includes('; ') === true) complain(missing.message);
  }
  return exitCode;
}

/** The one that the route of `--path`, or the first route, of the named trigger takes; POST where it may. */
async function methodOf(client: RunClient, target: TargetName, options: InvokeOptions): Promise<string | undefined> {
  if (options.trigger === undefined) return undefined;
  const answer = await client.describe('function', target.namespace, target.name);
  // Calling it says what is wrong.
  if (!answer.ok) return undefined;
  const { triggers = [] } = answer.value.effective ?? {};
  const routes = triggers.find(({ name }) => name === options.trigger)?.http?.routes ?? [];
  const path = options.path?.replace(/\?.*$/, '');
  const route = routes.find((each) => path !== undefined && mayMatch(each.path, path)) ?? routes[0];
  const methods = route?.methods ?? [];
  return methods.includes('POST') ? 'POST' : methods[0];
}

/** Whether a path may be one of a pattern with `:param` and a final `*`. */
function mayMatch(pattern: string, path: string): boolean {
  const given = path.split('/');
  const parts = pattern.split('/');
  if (parts.at(-1) === '*' ? given.length < parts.length : given.length !== parts.length) return false;
  return parts.every((part, index) => part === '*' || part.startsWith(':') || part === given[index]);
}

function readHeaders(options: InvokeOptions): Headers | string {
  const headers = new Headers();
  if (options.data !== undefined) headers.set('content-type', 'application/json');
  for (const line of options.header ?? []) {
    const at = line.indexOf(':');
    try {
      if (at <= 0) throw new TypeError('no colon');
      headers.set(line.slice(0, at).trim(), line.slice(at + 1).trim());
    } catch {
      return `-H takes 'Name: value', not ${JSON.stringify(line)}`;
    }
  }
  if (options.trigger !== undefined) headers.set('x-moonhook-trigger', options.trigger);
  return headers;
}

async function print(response: Response, json: boolean): Promise<number> {
  const body = Buffer.from(await response.arrayBuffer());
  const text = body.toString('utf8');
  if (json) {
    const utf8 = Buffer.from(text).equals(body);
    const shown = utf8 ? { body: text } : { bodyBase64: body.toString('base64') };
    const answer = { status: response.status, headers: Object.fromEntries(response.headers), ...shown };
    process.stdout.write(`${JSON.stringify(answer, undefined, 2)}\n`);
  } else if (isProblem(response)) for (const line of describeProblem(text, response.status)) complain(line);
  else if (process.stdout.isTTY) process.stdout.write(body.length === 0 ? '' : `${escapeText(text).trimEnd()}\n`);
  else process.stdout.write(body);
  if (response.ok) return exitCodes.ok;
  if (!json && !isProblem(response)) complain(`the function answered ${response.status}`);
  const code = isProblem(response) ? codeOf(text) : undefined;
  if (code === 'FunctionNotFound') return exitCodes.notFound;
  // A trigger or path that there is not, a body that is not what it is said to be: nothing ran.
  if (code === 'BodyInvalid' && !json)
    complain("-d is JSON unless another type is said: -H 'Content-Type: text/plain'");
  return code === 'RequestInvalid' || code === 'BodyInvalid' ? exitCodes.unusable : exitCodes.failed;
}

function isProblem(response: Response): boolean {
  return (response.headers.get('content-type') ?? '').startsWith('application/problem+json');
}

interface ProblemBody {
  readonly title?: unknown;
  readonly detail?: unknown;
  readonly code?: unknown;
  readonly callId?: unknown;
  readonly error?: { readonly message?: unknown; readonly file?: unknown; readonly line?: unknown };
}

function readProblem(text: string): ProblemBody {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}

function codeOf(text: string): string | undefined {
  const { code } = readProblem(text);
  return typeof code === 'string' ? code : undefined;
}

/** `hooks.yaml:9: attempt to index …`, then what failed and where its story is told. */
function describeProblem(text: string, status: number): readonly string[] {
  const { title, detail, code, callId, error } = readProblem(text);
  const say = (value: unknown): string => (typeof value === 'string' ? value : '');
  const what = say(title) === '' ? `the answer is ${status}` : say(title);
  const message = say(error?.message);
  const file = say(error?.file);
  const placed = {
    message,
    ...(file === '' ? {} : { file }),
    ...(typeof error?.line === 'number' ? { line: error.line } : {}),
  };
  const lines = message === '' ? [] : [placedMessage(placed)];
  const why = say(detail) === '' || message.includes(say(detail)) ? '' : `: ${say(detail)}`;
  const hint = say(callId) === '' ? '' : `; moonhook explain ${say(callId)}`;
  return [...lines, `${what}${why}${say(code) === '' ? '' : ` [${say(code)}]`}${hint}`];
}
