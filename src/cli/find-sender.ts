/** Finds out how a trigger of a local folder is signed: its receiver, its fields and the secrets of its documents. */
import { randomBytes } from 'node:crypto';
import type { KeyReference, WebhookFunction } from '../function/types.ts';
import { didYouMean } from '../function/suggest.ts';
import { parseEnvFile } from '../local/env-file.ts';
import { createFolderSource } from '../local/folder-source.ts';
import { createLocalInputs } from '../local/local-inputs.ts';
import { receivers } from '../receivers/catalogue.ts';
import type { ReceiverChoice } from '../receivers/verify-capture.ts';
import { createReferenceReader } from '../routing/read-references.ts';
import { documentChecker } from './check-files.ts';
import { chooseTrigger } from './choose-receiver.ts';
import { readInput, type InputResult } from './read-input.ts';

/** What is needed to send as the sender of one trigger would. */
export interface FoundSender {
  readonly trigger: string;
  readonly choice: ReceiverChoice;
  /** Empty where the receiver has none, or they are given on the command line. */
  readonly secrets: readonly Uint8Array[];
  /** Those of the receiver's own reference fields, by their paths. */
  readonly named: ReadonlyMap<string, Uint8Array>;
  /** What the trigger takes, upper case; empty: not said. */
  readonly methods: readonly string[];
}

export interface SenderQuery {
  readonly folder: string;
  readonly namespace: string;
  readonly name: string;
  /** Name of the trigger, where there are several. */
  readonly trigger?: string;
  /** Name of the receiver: chooses the trigger that has it. */
  readonly as?: string;
  readonly envFile?: string;
  /** False: the secrets are given, none is looked up. */
  readonly lookUpSecrets: boolean;
}

/** Reads the folder as `moonhook dev` does; what is wrong comes back as a message. */
export async function findSender(query: SenderQuery): Promise<InputResult<FoundSender>> {
  const values = readEnvSecrets(query.envFile);
  if (!values.ok) return values;
  const now = (): number => performance.now();
  const source = createFolderSource({ root: query.folder, check: documentChecker(), now });
  const snapshot = await source.refresh(['']);
  const { functions, references } = createLocalInputs(now).make(snapshot, values.value);
  const { namespace, name } = query;
  const found = functions.find(
    ({ resource }) => resource.metadata.namespace === namespace && resource.metadata.name === name,
  );
  if (query.as !== undefined && !receivers.has(query.as)) {
    const hint = didYouMean(query.as, [...receivers.keys()]) ?? '`moonhook receivers` lists them';
    return { ok: false, message: `there is no receiver "${query.as}"; ${hint}` };
  }
  if (found === undefined) {
    const wrong = snapshot.diagnostics.some(({ severity }) => severity === 'error');
    const mend = wrong ? ': some of its files have mistakes, `moonhook check` names them' : '';
    return { ok: false, message: `${query.folder} holds no function ${namespace}/${name}${mend}` };
  }
  const chosen = chooseTrigger({ ...found.resource.spec }, query.trigger ?? triggerWith(found.resource, query.as));
  if (!chosen.ok) return chosen;
  const { choice, trigger = '' } = chosen;
  if (query.as !== undefined && choice.name !== query.as) {
    return { ok: false, message: `trigger ${trigger} has the receiver ${choice.name}, not ${query.as}` };
  }
  const methods = (found.resource.spec.triggers ?? []).find(({ name: own }) => own === trigger)?.http?.methods ?? [];
  if (!query.lookUpSecrets) return { ok: true, value: { trigger, choice, methods, secrets: [], named: new Map() } };
  const reader = createReferenceReader({
    references,
    namespace,
    functionName: name,
    mode: 'local',
    fingerprintKey: randomBytes(32),
  });
  const secrets: Uint8Array[] = [];
  for (const [index, reference] of referencesOf(choice).entries()) {
    const read = reader.secretValue(reference, `secretRefs[${index}]`);
    if (!read.ok) return { ok: false, message: `${read.problem.message} (or give it with --secret)` };
    secrets.push(read.value);
  }
  const named = new Map<string, Uint8Array>();
  for (const { path, reference } of receivers.get(choice.name)?.secretFields?.(choice.fields) ?? []) {
    const read = reader.secretValue(reference, path);
    if (!read.ok) return { ok: false, message: `${read.problem.message} (or give it with --secret)` };
    named.set(path, read.value);
  }
  return { ok: true, value: { trigger, choice, methods, secrets, named } };
}

function referencesOf({ fields }: ReceiverChoice): readonly KeyReference[] {
  const references = fields['secretRefs'];
  return Array.isArray(references) ? (references as readonly KeyReference[]) : [];
}

function triggerWith({ spec }: WebhookFunction, receiver: string | undefined): string | undefined {
  if (receiver === undefined) return undefined;
  const matching = (spec.triggers ?? []).filter(
    ({ http }) => http !== undefined && Object.hasOwn(http.receiver, receiver),
  );
  return matching.length === 1 ? matching[0]?.name : undefined;
}

function readEnvSecrets(file: string | undefined): InputResult<ReadonlyMap<string, string>> {
  if (file === undefined) return { ok: true, value: new Map() };
  const bytes = readInput(file);
  if (!bytes.ok) return bytes;
  const { entries, mistakes } = parseEnvFile(file, bytes.value.toString('utf8'));
  const [mistake] = mistakes;
  if (mistake === undefined) return { ok: true, value: entries };
  return { ok: false, message: `${file}:${mistake.line ?? 0}: ${mistake.message}` };
}
