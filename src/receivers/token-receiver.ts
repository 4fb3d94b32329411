/** Builds a receiver whose proof is a secret that the request carries: in a header, or in the URL. */
import { findEqualSecret, wireBytes } from './compare-secret.ts';
import { requestEvent } from './generic-profile.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import type { SingleValue } from './read-header.ts';
import type {
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
} from './types.ts';
import type { RefusalReason } from './reasons.ts';
import { accept, refuse } from './verdict.ts';

/** The secret found in a request, or why there is none. */
export type FoundToken =
  | { readonly ok: true; readonly token: Uint8Array; readonly subject?: string }
  | { readonly ok: false; readonly reason: RefusalReason };

/** What the fields of one trigger make of a sender. */
export interface TokenSetup {
  /** Where the secret stands, for people: `header authorization`. */
  readonly place: string;
  find(request: RawRequest): FoundToken;
  /** A subject that may come in; absent: all may. */
  readonly subjects?: readonly string[];
  readonly credentialHeaders?: readonly string[];
  readonly credentialQuery?: readonly string[];
  readonly credentialParams?: readonly string[];
  readonly warnings?: readonly string[];
  identify?(request: RawRequest): Identified;
  /** Puts the secret where the sender would. */
  attach(secret: string, url: string): { readonly headers: Readonly<Record<string, string>>; readonly target?: string };
}

/** The description of a sender. */
export interface TokenSender {
  readonly profile: SenderProfile;
  readonly guide: SenderGuide;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly required?: readonly string[];
  setup(fields: FieldReader): TokenSetup;
}

/** The token of a list of values that must hold exactly one. */
export function tokenOf(value: SingleValue): FoundToken {
  if (value.kind === 'none') return { ok: false, reason: 'TokenMissing' };
  if (value.kind === 'many') return { ok: false, reason: 'TokenRepeated' };
  return { ok: true, token: wireBytes(value.value) };
}

/** Whether a name is in a list, every entry compared in constant time: names of users are guessed like passwords. */
function isListed(subject: string | undefined, subjects: readonly string[]): boolean {
  const names = subjects.map((name) => Buffer.from(name, 'utf8'));
  return findEqualSecret(Buffer.from(subject ?? '', 'utf8'), names) !== -1;
}

function prepareSetup(sender: TokenSender, setup: TokenSetup): PreparedReceiver {
  return {
    profile: sender.profile,
    warnings: setup.warnings ?? [],
    credentialHeaders: [...sender.profile.credentialHeaders, ...(setup.credentialHeaders ?? [])],
    credentialQuery: [...sender.profile.credentialQuery, ...(setup.credentialQuery ?? [])],
    credentialParams: setup.credentialParams ?? [],
    checkSecret: (secret) => (secret.length === 0 ? 'is empty' : undefined),
    keyLength: (secret) => secret.length,
    handshake: () => undefined,
    verify: (request, { secrets }) => {
      if (secrets.length === 0) return refuse('NoSecret', 'secrets');
      const found = setup.find(request);
      if (!found.ok) return refuse(found.reason, 'token', [], setup.place);
      const matched = findEqualSecret(found.token, secrets);
      const listed = setup.subjects === undefined || isListed(found.subject, setup.subjects);
      if (matched === -1 || !listed) return refuse('TokenMismatch', 'token', [], setup.place);
      const detail = `${setup.place}, secret ${matched + 1} of ${secrets.length}`;
      return accept('secret', [{ step: 'token', ok: true, detail }], found.subject);
    },
    identify: setup.identify ?? (() => requestEvent),
  };
}

/** Makes the catalogue entry of a sender. */
export function defineTokenReceiver(sender: TokenSender): ReceiverDefinition {
  const read = (fields: Fields): { setup: TokenSetup; reader: FieldReader } => {
    const reader = new FieldReader(fields);
    const setup = sender.setup(reader);
    reader.allowOnly(Object.keys(sender.fields));
    return { setup, reader };
  };
  return {
    profile: sender.profile,
    guide: sender.guide,
    fields: sender.fields,
    required: ['secretRefs', ...(sender.required ?? [])],
    prepare: (fields): PrepareResult => {
      const { setup, reader } = read(fields);
      if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
      return { ok: true, receiver: prepareSetup(sender, setup) };
    },
    sign: (
      _event: string,
      body: Uint8Array,
      url: string,
      fields: Fields,
      secrets: ReceiverSecrets,
      _tools: SignTools,
    ): SignedRequest => {
      const [secret] = secrets.secrets;
      if (secret === undefined) throw new Error(`${sender.profile.name}: the secret is missing`);
      const attached = read(fields).setup.attach(Buffer.from(secret).toString('latin1'), url);
      return {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...attached.headers },
        body,
        ...(attached.target === undefined ? {} : { target: attached.target }),
      };
    },
  };
}
