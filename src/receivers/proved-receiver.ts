/** Builds the receiver of a sender that is proved by a generic receiver: a secret in the URL, basic authentication, a token. */
import { secretReferences } from '../function/schema-parts.ts';
import { requestEvent } from './generic-profile.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import type { RefusalReason } from './reasons.ts';
import type { ComposedRequest, SendingPlace } from './signature-receiver.ts';
import type {
  HostAnswer,
  Identified,
  PreparedReceiver,
  PrepareResult,
  RawRequest,
  ReceiverDefinition,
  ReceiverSecrets,
  SecretField,
  SenderGuide,
  SenderProfile,
  VerifiedSender,
} from './types.ts';
import { refuse } from './verdict.ts';

/** A generic receiver with the fields it is used with. */
export interface ChosenProof {
  readonly definition: ReceiverDefinition;
  readonly fields: Fields;
  /** Where its fields stand: `proof.jwt.`; empty for a proof that is not configured. */
  readonly path: string;
}

/** The description of a sender. */
export interface ProvedSender {
  readonly profile: SenderProfile;
  readonly guide: SenderGuide;
  /** Schema of the sender's own fields. */
  readonly fields?: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  /** Proofs to choose from with `proof`, by their names; the first is the default. Absent: `prove` decides. */
  readonly proofs?: readonly ReceiverDefinition[];
  /** The proof that the fields ask for, without `proof`. */
  prove?(fields: FieldReader, given: Fields): Omit<ChosenProof, 'path'>;
  /** Fields of a default proof that has to be told something. */
  readonly defaults?: Readonly<Record<string, Fields>>;
  identify?(request: RawRequest, verdict: VerifiedSender): Identified;
  handshake?(request: RawRequest, fields: Fields): HostAnswer | undefined;
  verifiedHandshake?(request: RawRequest): HostAnswer | undefined;
  acknowledge?(request: RawRequest): HostAnswer;
  /** Looks at the request once more when the proof is given; a reason refuses it. */
  check?(request: RawRequest, fields: Fields): RefusalReason | undefined;
  /** Headers of an event, and the body where it is not the given one. */
  compose(event: string, body: Uint8Array, id: string, fields: Fields, place: SendingPlace): ComposedRequest;
}

function proofSchema(proofs: readonly ReceiverDefinition[]): Readonly<Record<string, unknown>> {
  const names = proofs.map(({ profile }) => profile.name);
  return {
    secretRefs: secretReferences('Secrets the sender proves itself with: all verify, the first signs.'),
    proof: {
      type: 'object',
      description: `How the sender proves itself, exactly one of ${names.join(', ')}; ${names[0] ?? ''} by default.`,
      properties: Object.fromEntries(
        proofs.map(({ profile, fields, required }) => [
          profile.name,
          {
            type: 'object',
            description: `Proof by ${profile.title}, with the fields of that receiver.`,
            properties: Object.fromEntries(Object.entries(fields).filter(([name]) => name !== 'secretRefs')),
            ...(required.some((name) => name !== 'secretRefs')
              ? { required: required.filter((name) => name !== 'secretRefs') }
              : {}),
          },
        ]),
      ),
    },
  };
}

function choose(sender: ProvedSender, reader: FieldReader, given: Fields): ChosenProof {
  const { proofs = [], defaults = {} } = sender;
  const chosen = proofs.length === 0 ? undefined : reader.object('proof');
  if (chosen === undefined) {
    if (sender.prove !== undefined) return { ...sender.prove(reader, given), path: '' };
    const [definition] = proofs;
    if (definition === undefined) throw new Error(`receiver ${sender.profile.name} has no proof`);
    return { definition, fields: defaults[definition.profile.name] ?? {}, path: '' };
  }
  const names = proofs.map(({ profile }) => profile.name);
  chosen.allowOnly(names);
  const [name = '', ...others] = names.filter((known) => chosen.has(known));
  const definition = proofs.find(({ profile }) => profile.name === name);
  const fields = chosen.object(name);
  if (definition === undefined || others.length > 0 || fields === undefined) {
    reader.mistake('proof', `must have exactly one of ${names.join(', ')}`);
    const [first] = proofs as [ReceiverDefinition];
    return { definition: first, fields: defaults[first.profile.name] ?? {}, path: 'proof.' };
  }
  const own = (given['proof'] as Fields)[name] as Fields;
  return { definition, fields: { ...defaults[name], ...own }, path: `proof.${name}.` };
}

interface Read {
  readonly proof: ChosenProof;
  readonly reader: FieldReader;
}

function read(sender: ProvedSender, given: Fields): Read {
  const reader = new FieldReader(given);
  const proof = choose(sender, reader, given);
  for (const name of sender.required ?? []) if (!reader.has(name)) reader.mistake(name, 'is required');
  reader.allowOnly([...Object.keys(sender.fields ?? {}), ...(sender.proofs === undefined ? [] : ['proof'])]);
  return { proof, reader };
}

/** The named secrets of the proof, under the paths it knows. */
function secretsOf(secrets: ReceiverSecrets, path: string): ReceiverSecrets {
  if (secrets.named === undefined || path === '') return secrets;
  const named = new Map<string, Uint8Array>();
  for (const [name, secret] of secrets.named) if (name.startsWith(path)) named.set(name.slice(path.length), secret);
  return { secrets: secrets.secrets, named };
}

function wrap(sender: ProvedSender, inner: PreparedReceiver, proof: ChosenProof, given: Fields): PreparedReceiver {
  const { profile } = sender;
  const judge = (request: RawRequest, verdict: Awaited<ReturnType<PreparedReceiver['verify']>>) => {
    if (verdict.verdict === 'refused') return verdict;
    const reason = sender.check?.(request, given);
    return reason === undefined ? verdict : refuse(reason, 'content', verdict.steps);
  };
  return {
    profile: { ...profile, secretsRequired: inner.profile.secretsRequired },
    ...(inner.fetches === undefined ? {} : { fetches: inner.fetches }),
    warnings: inner.warnings,
    credentialHeaders: [...new Set([...profile.credentialHeaders, ...inner.credentialHeaders])],
    credentialQuery: [...new Set([...profile.credentialQuery, ...inner.credentialQuery])],
    credentialParams: inner.credentialParams,
    checkSecret: (secret, path) => inner.checkSecret(secret, path),
    keyLength: (secret) => inner.keyLength(secret),
    handshake: (request) => sender.handshake?.(request, given),
    verify: (request, secrets, tools) => {
      const verdict = inner.verify(request, secretsOf(secrets, proof.path), tools);
      return verdict instanceof Promise ? verdict.then((settled) => judge(request, settled)) : judge(request, verdict);
    },
    ...(sender.verifiedHandshake === undefined ? {} : { verifiedHandshake: sender.verifiedHandshake }),
    identify: sender.identify ?? (() => requestEvent),
    ...(sender.acknowledge === undefined ? {} : { acknowledge: sender.acknowledge }),
  };
}

/** Makes the catalogue entry of a sender. */
export function defineProvedReceiver(sender: ProvedSender): ReceiverDefinition {
  const { profile, guide, proofs } = sender;
  return {
    profile,
    guide,
    fields: { ...sender.fields, ...(proofs === undefined ? {} : proofSchema(proofs)) },
    required: [...(profile.secretsRequired > 0 ? ['secretRefs'] : []), ...(sender.required ?? [])],
    prepare: (given): PrepareResult => {
      const { proof, reader } = read(sender, given);
      const inner = proof.definition.prepare(proof.fields);
      const mistakes = [
        ...reader.mistakes,
        ...(inner.ok ? [] : inner.mistakes.map(({ path, message }) => ({ path: `${proof.path}${path}`, message }))),
      ];
      if (!inner.ok || mistakes.length > 0) return { ok: false, mistakes };
      return { ok: true, receiver: wrap(sender, inner.receiver, proof, given) };
    },
    secretFields: (given): readonly SecretField[] => {
      const { proof } = read(sender, given);
      const fields = proof.definition.secretFields?.(proof.fields) ?? [];
      return fields.map(({ path, reference }) => ({ path: `${proof.path}${path}`, reference }));
    },
    sign: (event, body, url, given, secrets, tools) => {
      const { proof } = read(sender, given);
      const id = tools.newId();
      const composed = sender.compose(event, body, id, given, { url, nowMs: tools.now() });
      const signed = proof.definition.sign(
        event,
        composed.body ?? body,
        composed.url ?? url,
        proof.fields,
        secretsOf(secrets, proof.path),
        tools,
      );
      return { ...signed, headers: { ...signed.headers, ...composed.headers } };
    },
  };
}

/** The fields `query` and `segment` of senders whose only proof is a secret in the URL; `?code=…` by default. */
export const urlSecretFields: Readonly<Record<string, unknown>> = {
  query: {
    type: 'string',
    minLength: 1,
    maxLength: 64,
    description: 'Query parameter that holds the secret; code by default.',
  },
  segment: {
    type: 'string',
    minLength: 1,
    maxLength: 64,
    description: 'Path parameter that holds the secret instead: token, with a path such as hooks/:token.',
  },
};

/** The fields of `urlSecret` that `urlSecretFields` ask for. */
export function urlSecretOf(given: Fields): Fields {
  const { query, segment } = given;
  if (segment !== undefined) return { segment, ...(query === undefined ? {} : { query }) };
  return { query: query ?? 'code' };
}
