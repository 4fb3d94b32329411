/** Builds a receiver from the description of a sender that signs with HMAC. */
import { createKeyring, keyBytes, type DecodeSecret } from './keyring.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import { signWithScheme, unsignedRequest, verifyAnyScheme, type SignatureScheme } from './signature-scheme.ts';
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
import { fits } from './signature-algorithm.ts';
import { pathOf } from './signed-template.ts';
import { refuse } from './verdict.ts';

/** What the fields of one trigger make of a sender. */
export interface SignatureSetup {
  /**
   * Strongest first: the first whose header is on the request decides, the others are not looked at. Several with that
   * header (another algorithm, for another kind of key) are alternatives.
   */
  readonly schemes: readonly SignatureScheme[];
  /** Which of them a request has to pass, where its headers and form decide; absent: by the header. */
  choose?(request: RawRequest): SignatureScheme | undefined;
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
  handshake?(request: RawRequest, secrets: ReceiverSecrets): HostAnswer | undefined;
  verifiedHandshake?(request: RawRequest): HostAnswer | undefined;
  acknowledge?(request: RawRequest): HostAnswer;
  /** Headers besides signature and time, and the body and URL where they are not the given ones. */
  compose(event: string, body: Uint8Array, id: string, fields: Fields, place: SendingPlace): ComposedRequest;
}

/** When and where a request is sent. */
export interface SendingPlace {
  readonly url: string;
  readonly nowMs: number;
}

export interface ComposedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  /** With something added to the query. */
  readonly url?: string;
}

/** A secret that is its own key. */
export const literalSecret: DecodeSecret = (secret) => secret;

function read(sender: SignatureSender, fields: Fields): { setup: SignatureSetup; reader: FieldReader } {
  const reader = new FieldReader(fields);
  const setup = sender.setup(reader);
  reader.allowOnly(Object.keys(sender.fields));
  return { setup, reader };
}

function schemesFor(
  setup: SignatureSetup,
  request: RawRequest,
  strongest: SignatureScheme,
): readonly SignatureScheme[] {
  if (setup.choose !== undefined) return [setup.choose(request) ?? strongest];
  const { header } = setup.schemes.find((scheme) => request.headers.has(scheme.header)) ?? strongest;
  return setup.schemes.length === 1 ? setup.schemes : setup.schemes.filter((scheme) => scheme.header === header);
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
      return keyBytes(key) === 0 ? 'is empty' : undefined;
    },
    keyLength: (secret) => keyBytes(setup.decodeSecret(secret)),
    handshake: (request, secrets) => sender.handshake?.(request, secrets),
    verify: (request, { secrets }, tools) => {
      if (secrets.length === 0) return refuse('NoSecret', 'secrets');
      const keys = keyring.keys(secrets);
      if (keys.length === 0) return refuse('SecretMalformed', 'secrets');
      return verifyAnyScheme(schemesFor(setup, request, strongest), request, keys, tools.now());
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
  const [key] = createKeyring(setup.decodeSecret).keys(secrets.secrets.slice(0, 1));
  if (key === undefined) {
    throw new Error(`${sender.profile.name}: the first secret is missing or not ${setup.secretForm ?? 'usable'}`);
  }
  const id = tools.newId();
  const nowMs = tools.now();
  const composed = sender.compose(event, body, id, fields, { url, nowMs });
  const sent = { method: 'POST', url: composed.url ?? url, body: composed.body ?? body, headers: composed.headers };
  const scheme = setup.choose?.(unsignedRequest(sent)) ?? setup.schemes.find(({ algorithm }) => fits(algorithm, key));
  if (scheme === undefined) throw new Error(`${sender.profile.name}: the first secret is of a kind that cannot sign`);
  const headers = signWithScheme(scheme, { ...sent, id, nowMs }, key);
  return {
    method: 'POST',
    headers,
    body: sent.body,
    ...(composed.url === undefined ? {} : { target: pathOf(composed.url) }),
  };
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
