/** `moonhook explain`: the story of a call, or what would happen to a request. */
import type { Command } from 'commander';
import { errorMessage } from '../failures/error-message.ts';
import { isObject } from '../function/is-object.ts';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused, type Answered } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, printLines, printValue, readFormat } from './output.ts';
import { readInput } from './read-input.ts';
import type { PlainObject } from './run-client.ts';
import { withShownCalls } from './shown-calls.ts';
import { prefixOf, readId } from './subject-name.ts';
import { readTarget } from './target-name.ts';

interface ExplainOptions extends RunOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly method?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerExplain(program: Command): void {
  withRunOptions(program.command('explain'))
    .description('tell the story of a call or event to its end, or what would happen to a request')
    .argument(
      '<id-or-function>',
      "a call id, an event id, a delivery or the sender's delivery id, a watched object as Pod/NAMESPACE/NAME; or NAMESPACE/NAME with a request",
    )
    .argument(
      '[request]',
      'path and query such as /team-a/hook?x=1, also as "GET /team-a/hook", or a capture file { method, url, headers, body }',
    )
    .option('-X, --method <method>', 'method of a request given as a path (default: POST)')
    .option('-n, --namespace <namespace>', 'namespace of a NAME (default: default), or of an id (default: any)')
    .option('-A, --all-namespaces', 'in a cluster: an id of any namespace')
    .option('-o, --output <format>', 'json or yaml')
    .action(async (subject: string, request: string | undefined, options: ExplainOptions) => {
      process.exitCode = await explain(subject, request, options);
    });
}

async function explain(subject: string, request: string | undefined, given: ExplainOptions): Promise<number> {
  // A request without the function it is for. Ids that publishers chose are SOURCE#ID, and a source may be a path.
  if (/^(?:https?:\/)?\/[^#]*$/.test(subject) || (request !== undefined && /^[A-Z]+$/.test(subject))) {
    const line = request === undefined ? subject : JSON.stringify(`${subject} ${request}`);
    complain(`name the function that the request is for: moonhook explain NAMESPACE/NAME ${line}`);
    return exitCodes.unusable;
  }
  const client = await connectRun(given);
  const options = inScope(given, client, request === undefined ? undefined : subject);
  const format = readFormat(options.output, ['json', 'yaml']);
  if (format === undefined) return exitCodes.unusable;
  let answer: Answered<PlainObject>;
  if (request === undefined) answer = await client.explain(options.namespace, readId(subject));
  else {
    const target = readTarget(subject, options.namespace);
    const supposed = readRequest(request, options.method);
    const problem = typeof target === 'string' ? target : typeof supposed === 'string' ? supposed : undefined;
    if (typeof target === 'string' || problem !== undefined) {
      complain(problem ?? '');
      return exitCodes.unusable;
    }
    answer = await client.explainRequest(target.namespace, target.name, supposed as object);
  }
  if (!answer.ok) {
    const maybeFunction =
      request === undefined &&
      answer.exitCode === exitCodes.notFound &&
      typeof readTarget(subject, options.namespace) !== 'string';
    const named = answer.exitCode === exitCodes.notFound && request === undefined && prefixOf(subject) !== undefined;
    const hint = named
      ? `; how it stands: moonhook describe ${subject}, what it did: moonhook calls ${subject}`
      : maybeFunction
        ? `; a function is explained with a path: moonhook explain ${subject} /…, and how it stands: moonhook describe ${subject}`
        : '';
    return refused({ ...answer, message: `${answer.message}${hint}` });
  }
  if (!printValue(format, withShownCalls(answer.value))) printLines(answer.value['lines'] as readonly string[]);
  return exitCodes.ok;
}

/** A path with or without its method, or the JSON of a file; a text: why none of them. */
function readRequest(request: string, method: string | undefined): object | string {
  const line = /^([A-Z]+) +(\/.*|https?:\/\/.*)$/.exec(request);
  if (line !== null) return { method: method ?? line[1], url: line[2] };
  if (request.startsWith('/') && !request.endsWith('.json')) return { method: method ?? 'POST', url: request };
  if (/^https?:\/\//.test(request)) return { method: method ?? 'POST', url: request };
  const input = readInput(request);
  if (!input.ok) return input.message;
  try {
    const value: unknown = JSON.parse(input.value.toString('utf8'));
    if (isObject(value)) return value;
    return `${request} is not an object { method, url, headers, body }`;
  } catch (error) {
    return `${request} is not JSON: ${errorMessage(error)}`;
  }
}
