/** Builds a receiver from the description of a sender that signs with HMAC. */
import { createKeyring, type DecodeSecret } from './keyring.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import { signWithScheme, verifySignature, type SignatureScheme } from './signature-scheme.ts';
import type {
  HostAnswer,
  Identified,
  PreparedReceiver,
  PrepareResult,
  RawRequest,
  ReceiverDefinition,
  ReceiverSecrets,
  SenderGuide,
  SenderProfile,
  SignedRequest,
  SignTools,
  VerifiedSender,
} from './types.ts';
import { refuse } from './verdict.ts';

/** What the fields of one trigger make of a sender. */
export interface SignatureSetup {
  /** Strongest first: the first whose header is on the request decides, the others are not looked at. */
  readonly schemes: readonly SignatureScheme[];
  readonly decodeSecret: DecodeSecret;
  /** What a secret that does not decode should look like. */
  readonly secretForm?: string;
  readonly warnings: readonly string[];
  identify(request: RawRequest, verdict: VerifiedSender): Identified;
}

/** The description of a sender. */
export interface SignatureSender {
  readonly profile: SenderProfile;
  readonly guide: SenderGuide;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Own fields that are required besides `secretRefs`. */
  readonly required?: readonly string[];
  /** Reads the fields once per trigger. */
  setup(fields: FieldReader): SignatureSetup;
  handshake?(request: RawRequest): HostAnswer | undefined;
  verifiedHandshake?(request: RawRequest): HostAnswer | undefined;
  acknowledge?(request: RawRequest): HostAnswer;
  /** Headers besides signature and time, and the body where it is not the given one. */
  compose(
    event: string,
    body: Uint8Array,
    id: string,
    fields: Fields,
  ): {
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: Uint8Array;
  };
}

/** A secret that is its own key. */
export const literalSecret: DecodeSecret = (secret) => secret;

function read(sender: SignatureSender, fields: Fields): { setup: SignatureSetup; reader: FieldReader } {
  const reader = new FieldReader(fields);
  const setup = sender.setup(reader);
  reader.allowOnly(Object.keys(sender.fields));
  return { setup, reader };
}

function prepareSetup(sender: SignatureSender, setup: SignatureSetup): PreparedReceiver {
  const keyring = createKeyring(setup.decodeSecret);
  const [strongest] = setup.schemes;
  if (strongest === undefined) throw new Error(`receiver ${sender.profile.name} has no signature scheme`);
  return {
    profile: sender.profile,
    warnings: setup.warnings,
    credentialHeaders: [
      ...new Set([...sender.profile.credentialHeaders, ...setup.schemes.map(({ header }) => header)]),
    ],
    credentialQuery: sender.profile.credentialQuery,
    credentialParams: [],
    checkSecret: (secret) => {
      const key = setup.decodeSecret(secret);
      if (key === undefined) return `is not ${setup.secretForm ?? 'in the form this sender uses'}`;
      return key.length === 0 ? 'is empty' : undefined;
    },
    keyLength: (secret) => setup.decodeSecret(secret)?.length ?? 0,
    handshake: (request) => sender.handshake?.(request),
    verify: (request, { secrets }, tools) => {
      if (secrets.length === 0) return refuse('NoSecret', 'secrets');
      const keys = keyring.keys(secrets);
      if (keys.length === 0) return refuse('SecretMalformed', 'secrets');
      const scheme = setup.schemes.find(({ header }) => request.headers.has(header)) ?? strongest;
      return verifySignature(scheme, request, keys, tools.now());
    },
    ...(sender.verifiedHandshake === undefined
      ? {}
      : { verifiedHandshake: (request: RawRequest) => sender.verifiedHandshake?.(request) }),
    identify: setup.identify,
    ...(sender.acknowledge === undefined ? {} : { acknowledge: sender.acknowledge }),
  };
}

function signAs(
  sender: SignatureSender,
  event: string,
  body: Uint8Array,
  url: string,
  fields: Fields,
  secrets: ReceiverSecrets,
  tools: SignTools,
): SignedRequest {
  const { setup } = read(sender, fields);
  const [scheme] = setup.schemes;
  const [key] = createKeyring(setup.decodeSecret).keys(secrets.secrets.slice(0, 1));
  if (scheme === undefined || key === undefined) {
    throw new Error(`${sender.profile.name}: the first secret is missing or not ${setup.secretForm ?? 'usable'}`);
  }
  const id = tools.newId();
  const composed = sender.compose(event, body, id, fields);
  const sent = composed.body ?? body;
  const headers = signWithScheme(
    scheme,
    { method: 'POST', url, body: sent, headers: composed.headers, id, nowMs: tools.now() },
    key,
  );
  return { method: 'POST', headers, body: sent };
}

/** Makes the catalogue entry of a sender. */
export function defineSignatureReceiver(sender: SignatureSender): ReceiverDefinition {
  return {
    profile: sender.profile,
    guide: sender.guide,
    fields: sender.fields,
    required: ['secretRefs', ...(sender.required ?? [])],
    prepare: (fields): PrepareResult => {
      const { setup, reader } = read(sender, fields);
      if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
      return { ok: true, receiver: prepareSetup(sender, setup) };
    },
    sign: (event, body, url, fields, secrets, tools) => signAs(sender, event, body, url, fields, secrets, tools),
  };
}
