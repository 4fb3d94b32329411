/** `moonhook suspend` and `moonhook resume`: `spec.suspend` of a function or subscription, in its file or in the cluster. */
import type { Command } from 'commander';
import { setTimeout as wait } from 'node:timers/promises';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused } from './dev-client.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, printLines, printValue, readFormat } from './output.ts';
import type { RunClient } from './run-client.ts';
import { readSubject, type SubjectName } from './subject-name.ts';

interface SuspendOptions extends RunOptions {
  readonly namespace?: string;
  readonly output?: string;
}

/** Adds `suspend` to the program. */
export function registerSuspend(program: Command): void {
  register(program, 'suspend', true, 'stop a function or subscription: requests get 503, accepted events wait');
}

/** Adds `resume` to the program. */
export function registerResume(program: Command): void {
  register(program, 'resume', false, 'let a suspended function or subscription run again, with what has waited');
}

function register(program: Command, name: string, suspend: boolean, description: string): void {
  withRunOptions(program.command(name))
    .description(description)
    .argument('<subject>', 'NAMESPACE/NAME, NAME or whf/NAME; a subscription: whs/NAME')
    .option('-n, --namespace <namespace>', 'namespace of a NAME (default: default)')
    .option('-o, --output <format>', 'json or yaml')
    .addHelpText(
      'after',
      '\nWrites `spec.suspend` into the file of the resource, or into the resource of the cluster; nothing else of it changes.',
    )
    .action(async (text: string, options: SuspendOptions) => {
      process.exitCode = await setSuspend(text, suspend, options);
    });
}

async function setSuspend(text: string, suspend: boolean, given: SuspendOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const format = readFormat(options.output, ['json', 'yaml']);
  const subject = readSubject(text, options.namespace);
  if (format === undefined) return exitCodes.unusable;
  if (typeof subject === 'string') {
    complain(subject);
    return exitCodes.unusable;
  }
  const { kind, namespace, name } = subject;
  const answer = await client.setSuspend(kind, namespace, name, suspend);
  if (!answer.ok) return refused(answer);
  const { changed, file, line } = answer.value as {
    readonly changed: boolean;
    /** Of a local run. */
    readonly file?: string;
    readonly line?: number;
  };
  const label = `${kind === 'subscription' ? 'whs/' : ''}${namespace}/${name}`;
  const live = await isLive(client, subject, suspend);
  if (!printValue(format, { ...answer.value, live })) {
    const state = suspend ? 'suspended' : 'resumed';
    printLines([
      changed
        ? `${label} ${state}${file === undefined ? '' : ` (${file}:${line})`}`
        : `${label} was ${suspend ? 'suspended' : 'not suspended'} already`,
    ]);
  }
  if (live) {
    if (!suspend && kind === 'subscription' && (await isSwitchedOff(client, subject)))
      complain(`${label} is switched off because of its receiver; ${switchOnHint(label)}`);
    return exitCodes.ok;
  }
  complain(
    `${file ?? 'it'} is written, and the run has not taken it up: moonhook describe ${kind === 'subscription' ? 'whs/' : ''}${namespace}/${name}`,
  );
  return exitCodes.failed;
}

/** What to do about a subscription that its receiver's answers have switched off. */
export function switchOnHint(label: string): string {
  return `once the receiver answers again, moonhook ping ${label} switches it on, and moonhook replay ${label} --dead sends what died`;
}

async function isSwitchedOff(client: RunClient, { kind, namespace, name }: SubjectName): Promise<boolean> {
  const answer = await client.describe(kind, namespace, name);
  if (!answer.ok) return false;
  return answer.value.health?.['state']?.startsWith('SwitchedOff') === true;
}

const patienceMs = 10_000;

/** Whether the run serves it so, within the time that taking up a file may need. */
async function isLive(client: RunClient, { kind, namespace, name }: SubjectName, suspend: boolean): Promise<boolean> {
  for (const until = Date.now() + patienceMs; Date.now() < until; await wait(25)) {
    const answer = await client.describe(kind, namespace, name);
    if (!answer.ok) return false;
    if (answer.value.effective?.suspend === suspend) return true;
  }
  return false;
}
