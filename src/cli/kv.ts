/** `moonhook kv`: keys of a function or of a shared space, as its code sees them. */
import type { Command } from 'commander';
import { parseDuration } from '../function/duration.ts';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused, type Refusal } from './dev-client.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { withHint } from './missing-subject.ts';
import { complain, formatTable, printValue, readFormat, type OutputFormat } from './output.ts';
import { readData } from './read-input.ts';
import type { KeySpace, RunClient } from './run-client.ts';
import { readTarget } from './target-name.ts';

interface KeyOptions extends RunOptions {
  readonly namespace?: string;
  readonly ttl?: string;
  readonly text?: boolean;
  readonly ifVersion?: string;
  readonly prefix?: string;
  readonly limit?: string;
  readonly continue?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerKv(program: Command): void {
  const kv = program
    .command('kv')
    .description('read and write the keys of a function or of a shared space')
    .addHelpText(
      'after',
      '\nSPACE is a function (NAMESPACE/NAME, or NAME with -n), or shared:NAME with -n for `kv.shared("NAME")`.',
    );
  const space = 'a function: NAMESPACE/NAME or NAME; a shared space: shared:NAME';
  const verb = (name: string, description: string, formats: string): Command =>
    withRunOptions(kv.command(name))
      .description(description)
      .argument('<space>', space)
      .option('-n, --namespace <namespace>', 'namespace of a NAME or a shared space (default: default)')
      .option('-o, --output <format>', formats);
  verb('get', 'print the value of a key as JSON', 'json or yaml: with its version and expiry')
    .argument('<key>')
    .action((text: string, key: string, options: KeyOptions) => run(text, options, get(key)));
  verb('set', 'set a key', 'json or yaml')
    .argument('<key>')
    .argument('<value>', 'JSON; or @FILE, or @- for standard input')
    .option('--text', 'the value is text as it stands, not JSON')
    .option('--ttl <duration>', 'the key is gone after so long: 90s, 1h, 7d (default: never)')
    .option('--if-version <number>', 'only if the key has this version; 0: only if it is absent')
    .action((text: string, key: string, value: string, options: KeyOptions) => run(text, options, set(key, value)));
  verb('delete', 'delete a key', 'json or yaml')
    .argument('<key>')
    .option('--if-version <number>', 'only if the key has this version')
    .action((text: string, key: string, options: KeyOptions) => run(text, options, remove(key)));
  verb('list', 'list keys in the order of their bytes', 'json, yaml, wide (with values) or name')
    .option('--prefix <text>', 'only keys that begin so')
    .option('--limit <count>', 'at most so many, 1 to 1000 (default: 100)')
    .option('--continue <key>', 'those after this key')
    .action((text: string, options: KeyOptions) => run(text, options, list));
}

type PlainKey = {
  readonly key: string;
  readonly value?: unknown;
  /** What is no JSON. */
  readonly valueBase64?: string;
  readonly version?: number;
  readonly expires?: string;
};

interface Asked {
  readonly client: RunClient;
  readonly space: KeySpace;
  readonly namespace: string;
  readonly options: KeyOptions;
}

/** Answers the exit code; a text: wrong usage. */
type Verb = (asked: Asked) => Promise<number | string>;

async function run(text: string, given: KeyOptions, verb: Verb): Promise<void> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const place = readSpace(text, options.namespace);
  const result = typeof place === 'string' ? place : await verb({ ...place, client, options });
  if (typeof result === 'string') complain(result);
  process.exitCode = typeof result === 'string' ? exitCodes.unusable : result;
}

function readSpace(
  text: string,
  namespace: string | undefined,
): { readonly space: KeySpace; readonly namespace: string } | string {
  if (text.startsWith('shared:')) return { space: { shared: text.slice(7) }, namespace: namespace ?? 'default' };
  if (text.startsWith('whs/')) return 'subscriptions have no keys';
  const target = readTarget(text.startsWith('whf/') ? text.slice(4) : text, namespace);
  return typeof target === 'string' ? target : { space: { function: target.name }, namespace: target.namespace };
}

function whyNoKeys(client: RunClient, namespace: string, space: KeySpace, refusal: Refusal): Promise<Refusal> {
  if (!('function' in space)) return Promise.resolve(refusal);
  return withHint(client, refusal, { kind: 'function', namespace, name: space.function });
}

function get(key: string): Verb {
  return async ({ client, space, namespace, options }) => {
    const format = readFormat(options.output, ['json', 'yaml']);
    if (format === undefined) return exitCodes.unusable;
    const answer = await client.readKeys(namespace, space, { key });
    if (!answer.ok) return refused(await whyNoKeys(client, namespace, space, answer));
    if (!printValue(format, answer.value)) process.stdout.write(`${shownValue(answer.value as PlainKey, 2)}\n`);
    return exitCodes.ok;
  };
}

function set(key: string, given: string): Verb {
  return async ({ client, space, namespace, options }) => {
    const format = readFormat(options.output, ['json', 'yaml']);
    if (format === undefined) return exitCodes.unusable;
    const ttlMs = options.ttl === undefined ? undefined : parseDuration(options.ttl);
    if (options.ttl !== undefined && (ttlMs === undefined || ttlMs === 0)) return '--ttl takes 90s, 5m, 1h, 7d';
    const version = readVersion(options);
    if (typeof version === 'string') return version;
    const read = readData(given);
    if (!read.ok) return read.message;
    const raw = read.value.toString('utf8');
    const value = options.text === true ? JSON.stringify(raw) : raw;
    if (options.text !== true && !isJson(raw)) {
      return `the value is not JSON: put text into quotes ('"like this"'), or say --text`;
    }
    const write = {
      key,
      value,
      ...(ttlMs === undefined ? {} : { ttlMs }),
      ...(version === undefined ? {} : { version }),
    };
    const answer = await client.setKey(namespace, space, write);
    if (!answer.ok) return refused(await whyNoKeys(client, namespace, space, answer));
    if (!printValue(format, answer.value)) process.stdout.write(`version ${String(answer.value['version'])}\n`);
    const { note } = answer.value;
    if (typeof note === 'string') complain(note);
    return exitCodes.ok;
  };
}

function remove(key: string): Verb {
  return async ({ client, space, namespace, options }) => {
    const format = readFormat(options.output, ['json', 'yaml']);
    if (format === undefined) return exitCodes.unusable;
    const version = readVersion(options);
    if (typeof version === 'string') return version;
    const query = { key, ...(version === undefined ? {} : { version: String(version) }) };
    const answer = await client.deleteKey(namespace, space, query);
    if (!answer.ok) return refused(await whyNoKeys(client, namespace, space, answer));
    printValue(format, answer.value);
    return exitCodes.ok;
  };
}

const list: Verb = async ({ client, space, namespace, options }) => {
  const format = readFormat(options.output);
  if (format === undefined) return exitCodes.unusable;
  const { prefix, limit } = options;
  const after = options.continue;
  const query = {
    ...(prefix === undefined ? {} : { prefix }),
    ...(limit === undefined ? {} : { limit }),
    ...(after === undefined ? {} : { continue: after }),
    ...(format === 'table' || format === 'name' ? {} : { values: 'true' }),
  };
  const answer = await client.readKeys(namespace, space, query);
  if (!answer.ok) return refused(await whyNoKeys(client, namespace, space, answer));
  const { items, metadata } = answer.value as {
    readonly items: readonly PlainKey[];
    readonly metadata: { readonly continue?: string };
  };
  if (printValue(format, answer.value)) return exitCodes.ok;
  printKeys(format, items);
  if (metadata.continue !== undefined) complain(`there are more: --continue ${JSON.stringify(metadata.continue)}`);
  return exitCodes.ok;
};

function printKeys(format: OutputFormat, items: readonly PlainKey[]): void {
  if (items.length === 0) return complain('no keys');
  if (format === 'wide') {
    const rows = items.map((item) => [item.key, String(item.version ?? '-'), item.expires ?? '-', shownValue(item)]);
    process.stdout.write(formatTable(['KEY', 'VERSION', 'EXPIRES', 'VALUE'], rows));
    return;
  }
  const table = formatTable(
    ['KEY'],
    items.map(({ key }) => [key]),
  );
  process.stdout.write(format === 'name' ? table.slice(table.indexOf('\n') + 1) : table);
}

function readVersion({ ifVersion }: KeyOptions): number | string | undefined {
  if (ifVersion === undefined) return undefined;
  return /^\d{1,15}$/.test(ifVersion)
    ? Number(ifVersion)
    : '--if-version takes a version as `get -o json` shows it, or 0';
}

/** Escaped control characters of a JSON text are the same JSON. */
function shownValue({ value, valueBase64 }: PlainKey, indent?: number): string {
  return valueBase64 === undefined ? escapeText(JSON.stringify(value, undefined, indent)) : `base64:${valueBase64}`;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
