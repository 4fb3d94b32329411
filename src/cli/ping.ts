/** `moonhook ping whs/NAME`: sends a signed test event to a subscriber and tells what it answered. */
import type { Command } from 'commander';
import { connectRun, inScope, withRunOptions, type RunOptions } from './choose-run.ts';
import { refused } from './dev-client.ts';
import { escapeText } from './escape-text.ts';
import { exitCodes } from './exit-codes.ts';
import { complain, wantsJson } from './output.ts';
import { withShownCalls } from './shown-calls.ts';
import { readSubject } from './subject-name.ts';

interface PingOptions extends RunOptions {
  readonly namespace?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerPing(program: Command): void {
  withRunOptions(program.command('ping'))
    .description('send a signed test event to a subscription, past its filter and transform, once')
    .argument('<subscription>', 'whs/NAME or whs/NAMESPACE/NAME')
    .option('-n, --namespace <namespace>', 'namespace of a NAME (default: default)')
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExit codes: 0 the receiver took it, 1 it did not.')
    .action(async (text: string, options: PingOptions) => {
      process.exitCode = await ping(text, options);
    });
}

async function ping(text: string, given: PingOptions): Promise<number> {
  const client = await connectRun(given);
  const options = inScope(given, client, text);
  const json = wantsJson(options.output);
  if (json === undefined) return exitCodes.unusable;
  const subject = readSubject(text, options.namespace);
  if (typeof subject === 'string' || subject.kind !== 'subscription') {
    complain(typeof subject === 'string' ? subject : `write whs/${text}: only subscriptions can be pinged`);
    return exitCodes.unusable;
  }
  const answer = await client.ping(subject.namespace, subject.name);
  if (!answer.ok) return refused(answer);
  const { ok, lines } = answer.value as { readonly ok?: boolean; readonly lines?: readonly string[] };
  process.stdout.write(
    json
      ? `${JSON.stringify(withShownCalls(answer.value), undefined, 2)}\n`
      : (lines ?? []).map((line) => `${escapeText(line)}\n`).join(''),
  );
  return ok === true ? exitCodes.ok : exitCodes.failed;
}
