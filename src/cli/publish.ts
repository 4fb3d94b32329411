/** `moonhook publish TYPE`: puts an event on the bus of a namespace, and says how many it goes to. */
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { collectValues } from './collect-values.ts';
import { refused } from './dev-client.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, formatTable, wantsJson } from './output.ts';
import { readData } from './read-input.ts';
import type { PlainObject, RunClient } from './run-client.ts';

interface PublishOptions extends RunOptions {
  readonly namespace?: string;
  readonly data?: string;
  readonly text?: boolean;
  readonly source: string;
  readonly subject?: string;
  readonly id?: string;
  readonly attribute?: readonly string[];
  readonly dryRun?: boolean;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerPublish(program: Command): void {
  withRunOptions(program.command('publish'))
    .description("put an event on a namespace's bus, for its event triggers and subscriptions")
    .argument('<type>', 'type of the event: com.acme.order.created')
    .option('-n, --namespace <namespace>', 'whose bus (default: default)')
    .option('-d, --data <data>', 'what it says: JSON, @FILE, or @- for standard input')
    .option('--text', 'the data is text as it stands, not JSON')
    .option('--source <source>', 'where it comes from: the same source and id are the same event', '/moonhook/cli')
    .option('--subject <subject>', 'what it is about')
    .option('--id <id>', 'its id (default: a new one)')
    .option('--attribute <pair>', 'one more attribute, as NAME=VALUE; repeat it', collectValues)
    .option('--dry-run', 'of a local run: say who would receive it and why the others would not, and store nothing')
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExit codes: 0 it is stored, 2 it cannot be used, 4 no run, 5 no such namespace.')
    .action(async (type: string, options: PublishOptions) => {
      process.exitCode = await publish(type, options);
    });
}

async function publish(type: string, given: PublishOptions): Promise<number> {
  const json = wantsJson(given.output);
  if (json === undefined) return exitCodes.unusable;
  const event = readEvent(type, given);
  if (typeof event === 'string') {
    complain(event);
    return exitCodes.unusable;
  }
  const client = await connectRun(given);
  const { namespace = 'default' } = inScope(given, client);
  if (given.dryRun === true) return foresee(client, namespace, event, json);
  const answer = await client.publish(namespace, event);
  if (!answer.ok) return refused(answer);
  process.stdout.write(
    json ? `${JSON.stringify(answer.value, undefined, 2)}\n` : `${escapeText(tell(type, namespace, answer.value))}\n`,
  );
  return exitCodes.ok;
}

async function foresee(client: RunClient, namespace: string, event: PlainObject, json: boolean): Promise<number> {
  const answer = await client.foresee(namespace, event);
  if (!answer.ok) return refused(answer);
  const { destinations } = answer.value;
  if (json) process.stdout.write(`${JSON.stringify(answer.value, undefined, 2)}\n`);
  else if (destinations.length === 0) complain(`${namespace} has no event trigger and no subscription`);
  else {
    const rows = destinations.map(({ to: { kind, name, trigger }, receives, why = '' }) => [
      `${kind === 'WebhookSubscription' ? 'whs/' : ''}${namespace}/${name}${trigger === undefined ? '' : ` ${trigger}`}`,
      receives ? 'yes' : 'no',
      why,
    ]);
    process.stdout.write(formatTable(['TO', 'RECEIVES', 'WHY'], rows));
  }
  return exitCodes.ok;
}

/** A text: what is wrong. What the attributes of an event may be is judged by the run. */
function readEvent(type: string, options: PublishOptions): PlainObject | string {
  const attributes: Record<string, string> = {};
  for (const pair of options.attribute ?? []) {
    const at = pair.indexOf('=');
    if (at <= 0) return `--attribute takes NAME=VALUE, not ${JSON.stringify(pair)}`;
    attributes[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const data = options.data === undefined ? undefined : readData(options.data);
  if (data?.ok === false) return data.message;
  const said = data === undefined ? {} : contentOf(data.value, options.text === true);
  if (typeof said === 'string') return said;
  const { source, subject, id = randomUUID() } = options;
  return { ...attributes, type, source, id, ...(subject === undefined ? {} : { subject }), ...said };
}

function contentOf(bytes: Buffer, asText: boolean): PlainObject | string {
  const text = bytes.toString('utf8');
  if (!Buffer.from(text).equals(bytes)) return { data_base64: bytes.toString('base64') };
  if (asText) return { datacontenttype: 'text/plain', data: text };
  try {
    return { datacontenttype: 'application/json', data: JSON.parse(text) as unknown };
  } catch (error) {
    return `the data is not JSON (${(error as Error).message}); --text takes it as it stands`;
  }
}

function tell(type: string, namespace: string, { id, deliveries, duplicateOf }: PlainObject): string {
  if (duplicateOf !== undefined) return `event ${String(id)} was published before: nothing runs again`;
  const count = Number(deliveries);
  if (count === 0) {
    return `event ${String(id)} goes nowhere: no event trigger and no subscription of ${namespace} matches ${type}`;
  }
  return `event ${String(id)} goes to ${count} ${count === 1 ? 'destination' : 'destinations'}; its story: moonhook explain ${String(id)} -n ${namespace}`;
}
