/** `moonhook verify CAPTURE`: judges a captured request. Exit 0 verified, 3 not verified, 2 input that cannot be used. */
import type { Command } from 'commander';
import { errorMessage } from '../failures/error-message.ts';
import { receivers } from '../receivers/catalogue.ts';
import { placeSecrets } from '../receivers/place-secrets.ts';
import type { ReceiverSecrets } from '../receivers/types.ts';
import { verifyCapture, type CaptureVerdict, type ReceiverChoice } from '../receivers/verify-capture.ts';
import { readReceiverFile } from './choose-receiver.ts';
import { collectValues } from './collect-values.ts';
import { escapeText } from './escape-text.ts';
import { createFetch } from './fetch-once.ts';
import { guessCapture } from './guess.ts';
import { exitCodes } from './exit-codes.ts';
import { complain } from './output.ts';
import { readInput, readSecrets, readTime, type InputResult } from './read-input.ts';

interface VerifyOptions {
  readonly as?: string;
  readonly receiver?: string;
  readonly trigger?: string;
  readonly secret?: readonly string[];
  readonly secretFile?: readonly string[];
  readonly at?: string;
  readonly document?: string;
  readonly guess?: boolean;
  readonly publicUrl?: string;
  readonly route?: string;
  readonly output?: string;
}

/** Adds the verb to the program. */
export function registerVerify(program: Command): void {
  program
    .command('verify')
    .description('judge a captured request: who sent it, and why it does or does not verify')
    .argument('<capture>', 'JSON file { method, url, headers, body | bodyBase64 }; - reads standard input')
    .option('--as <name>', 'receiver by name: github, slack, bearer …')
    .option('--receiver <file>', 'YAML file with the receiver, or with the function')
    .option('--trigger <name>', 'HTTP trigger of the function in the file')
    .option('--secret <value>', 'a secret; repeat it for rotation', collectValues)
    .option('--secret-file <file>', 'a file that holds a secret', collectValues)
    .option('--at <time>', 'time of arrival: 2026-01-31T10:00:00Z or seconds since the epoch (default: now)')
    .option('--guess', 'find out how an unnamed vendor signs: prints the receiver that fits')
    .option('--document <file>', 'certificate or key set, instead of fetching it from its host')
    .option('--public-url <url>', 'scheme and host the sender knows, for senders that sign the URL')
    .option('--route <path>', 'route with its parameters, for secrets in the path: /team-a/hooks/:token')
    .option('-o, --output <format>', 'json')
    .addHelpText('after', '\nExit codes: 0 verified, 3 not verified (a handshake too), 2 unusable input.')
    .action(async (capture: string, options: VerifyOptions) => {
      process.exitCode = await verify(capture, options);
    });
}

async function verify(capture: string, options: VerifyOptions): Promise<number> {
  const unusable = (message: string): number => {
    if (options.output === 'json') process.stdout.write(`${JSON.stringify({ verdict: 'unusable', message })}\n`);
    else complain(message);
    return exitCodes.unusable;
  };
  if (options.output !== undefined && options.output !== 'json') return unusable('--output knows json only');
  const secrets = readSecrets(options.secret, options.secretFile);
  if (!secrets.ok) return unusable(secrets.message);
  const nowMs = options.at === undefined ? Date.now() : readTime(options.at);
  if (nowMs === undefined) return unusable('--at must be a date such as 2026-01-31T10:00:00Z, or seconds');
  const document = options.document === undefined ? undefined : readInput(options.document);
  if (document?.ok === false) return unusable(document.message);
  const parsed = readJson(capture);
  if (!parsed.ok) return unusable(parsed.message);
  const place = {
    ...(options.publicUrl === undefined ? {} : { publicUrl: options.publicUrl }),
    ...(options.route === undefined ? {} : { route: options.route }),
  };
  if (options.guess === true) {
    const json = options.output === 'json';
    const guessed = await guessCapture(parsed.value, { ...place, secrets: secrets.value, nowMs, json });
    if (!guessed.ok) return unusable(guessed.message);
    process.stdout.write(guessed.text);
    return guessed.exitCode;
  }
  const choice = chooseReceiver(options);
  if (!choice.ok) return unusable(choice.message);
  const judged = await verifyCapture(parsed.value, choice.value, placeGiven(choice.value, secrets.value), {
    nowMs,
    fetchDocument: createFetch(document),
    ...place,
  });
  if (!judged.ok) {
    const missing = secrets.value.length === 0 && /needs .*secret/.test(judged.message);
    return unusable(`${judged.message}${missing ? '; give it with --secret or --secret-file' : ''}`);
  }
  process.stdout.write(
    options.output === 'json' ? `${JSON.stringify(judged.result, undefined, 2)}\n` : tell(judged.result),
  );
  return judged.result.verdict === 'verified' ? exitCodes.ok : exitCodes.notVerified;
}

function placeGiven({ name, fields }: ReceiverChoice, given: readonly Uint8Array[]): ReceiverSecrets {
  const definition = receivers.get(name);
  return definition === undefined ? { secrets: given } : placeSecrets(definition, fields, given);
}

function chooseReceiver(options: VerifyOptions): InputResult<ReceiverChoice> {
  if ((options.as === undefined) === (options.receiver === undefined)) {
    return { ok: false, message: 'name the receiver with --as NAME, or give it with --receiver FILE' };
  }
  if (options.as !== undefined) return { ok: true, value: { name: options.as, fields: {} } };
  const file = options.receiver ?? '';
  const bytes = readInput(file);
  if (!bytes.ok) return bytes;
  const choice = readReceiverFile(file, bytes.value.toString('utf8'), options.trigger);
  return choice.ok ? { ok: true, value: choice.choice } : choice;
}

function readJson(capture: string): InputResult<unknown> {
  const bytes = readInput(capture);
  if (!bytes.ok) return bytes;
  try {
    return { ok: true, value: JSON.parse(bytes.value.toString('utf8')) };
  } catch (error) {
    return { ok: false, message: `${capture} is not JSON: ${errorMessage(error)}` };
  }
}

/** The verdict in lines for people. */
function tell(result: CaptureVerdict): string {
  const lines: string[] = [];
  const add = (name: string, value: string | undefined): void => {
    if (value !== undefined) lines.push(`${name.padEnd(14)}${value}`);
  };
  const word = { verified: 'verified', refused: 'not verified', handshake: 'handshake (not verified)' }[result.verdict];
  add('Verdict', result.proof === undefined ? word : `${word} by ${result.proof}`);
  add('Receiver', result.receiver);
  add('Reason', result.reason);
  add('Subject', result.subject);
  add('Event', result.event);
  add('Type', result.type);
  add('Delivery', deliveryOf(result));
  add('Duplicates', result.duplicateKey);
  if (result.decision !== undefined && result.decision !== 'run') add('Decision', `${result.decision}: no Lua runs`);
  if (result.answer !== undefined) add('Answer', `${result.answer.status} ${result.answer.body ?? ''}`.trim());
  for (const step of result.steps) lines.push(`  ${step.ok ? 'ok  ' : 'FAIL'} ${step.step}: ${step.detail}`);
  for (const warning of result.warnings) add('Warning', warning);
  for (const hint of result.hints) add('Hint', hint);
  return `${lines.map(escapeText).join('\n')}\n`;
}

function deliveryOf(result: CaptureVerdict): string | undefined {
  if (result.deliveryId === undefined) return undefined;
  return result.deliveryIdSigned === true ? result.deliveryId : `${result.deliveryId} (not signed)`;
}
