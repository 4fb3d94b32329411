/** `httpSignature`: HTTP Message Signatures (RFC 9421), with the body covered by `Content-Digest` (RFC 9530). */
import type { KeyObject } from 'node:crypto';
import { checkBodyDigest, writeBodyDigest } from './body-digest.ts';
import { genericProfile, requestEvent } from './generic-profile.ts';
import { fitsAlgorithm, signatureBase, signBase, verifyBase } from './http-signature-base.ts';
import {
  httpSignatureFields,
  readHttpSignatureOptions,
  type HttpSignatureOptions,
  type SignatureKey,
} from './http-signature-fields.ts';
import { deliveryId } from './event-name.ts';
import { readJwtKey } from './jwt-key.ts';
import { createKeyring } from './keyring.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import { single } from './read-header.ts';
import { unsignedRequest } from './signature-scheme.ts';
import { readByteSequences, readInnerLists, type InnerList } from './structured-field.ts';
import type {
  PreparedReceiver,
  RawRequest,
  ReceiverDefinition,
  ReceiverSecrets,
  RefusedSender,
  Step,
  Verdict,
} from './types.ts';
import { refuse } from './verdict.ts';

const profile = genericProfile({
  name: 'httpSignature',
  title: 'HTTP Message Signatures',
  documentation: 'https://www.rfc-editor.org/rfc/rfc9421',
  duplicateBy: 'id',
  credentialHeaders: ['signature'],
  secretsRequired: 0,
});

const keyring = createKeyring(readJwtKey);
const required = ['@method', '@target-uri', 'content-digest'] as const;

/** `@target-uri` may be covered in its parts. */
function covers(input: InnerList, component: string): boolean {
  const has = (name: string): boolean =>
    input.items.some(({ value, parameters }) => value === name && parameters.size === 0);
  if (has(component)) return true;
  return (
    component === '@target-uri' && has('@authority') && (has('@request-target') || (has('@path') && has('@query')))
  );
}

function keyOf(key: SignatureKey, secrets: ReceiverSecrets): KeyObject | undefined {
  const secret = secrets.named?.get(key.path);
  return secret === undefined ? undefined : keyring.keys([secret])[0];
}

function judge(
  label: string,
  input: InnerList,
  signature: Buffer,
  request: RawRequest,
  options: HttpSignatureOptions,
  secrets: ReceiverSecrets,
  nowMs: number,
): Verdict {
  const steps: Step[] = [{ step: 'signature header', ok: true, detail: `label ${label}` }];
  const { parameters } = input;
  const key = options.keys.find(({ id }) => id === parameters.get('keyid'));
  const secret = key === undefined ? undefined : keyOf(key, secrets);
  if (key === undefined || secret === undefined) return refuse('KeyUnknown', 'key', steps, 'keyid');
  const alg = parameters.get('alg');
  if ((alg !== undefined && alg !== key.algorithm) || !fitsAlgorithm(key.algorithm, secret)) {
    return refuse('SignatureMalformed', 'algorithm', steps, 'it is not the one of the key');
  }
  for (const component of options.components) {
    const needless = component === 'content-digest' && request.body.length === 0;
    if (!needless && !covers(input, component)) return refuse('ComponentMissing', 'components', steps, component);
  }
  const base = signatureBase(input, request);
  if (!base.ok) return refuse('PartMissing', 'signed text', steps, base.component);
  if (!verifyBase(key.algorithm, base.text, secret, signature)) {
    return refuse('SignatureMismatch', 'signature', steps, `${key.algorithm} with key ${key.id}`);
  }
  steps.push({ step: 'signature', ok: true, detail: `${key.algorithm} with key ${key.id}` });
  const digest = checkDigest(input, request, steps);
  return digest ?? checkTime(parameters, options, steps, nowMs, key.id);
}

function checkDigest(input: InnerList, request: RawRequest, steps: Step[]): RefusedSender | undefined {
  if (!covers(input, 'content-digest')) return undefined;
  const digest = checkBodyDigest(
    'content-digest',
    (request.headers.get('content-digest') ?? []).join(', '),
    request.body,
  );
  if (digest === 'none') return refuse('DigestMissing', 'body digest', steps, 'content-digest');
  if (digest === 'mismatch') return refuse('DigestMismatch', 'body digest', steps, 'content-digest');
  steps.push({ step: 'body digest', ok: true, detail: 'content-digest' });
  return undefined;
}

function checkTime(
  parameters: InnerList['parameters'],
  options: HttpSignatureOptions,
  steps: Step[],
  nowMs: number,
  subject: string,
): Verdict {
  const created = parameters.get('created');
  if (typeof created !== 'number') return refuse('TimestampMissing', 'timestamp', steps, 'created');
  const expires = parameters.get('expires');
  const now = Math.floor(nowMs / 1000);
  if (expires !== undefined && (typeof expires !== 'number' || expires < now)) {
    return refuse('SignatureExpired', 'timestamp', steps, 'expires');
  }
  const off = now - created;
  const detail = `${Math.abs(off)} s ${off < 0 ? 'ahead' : 'old'}, allowed ${options.toleranceMs / 1000} s`;
  if (Math.abs(off) * 1000 > options.toleranceMs) {
    return { ...refuse('TimestampOutsideTolerance', 'timestamp', steps, detail), signedAtMs: created * 1000 };
  }
  steps.push({ step: 'timestamp', ok: true, detail });
  const nonce = parameters.get('nonce');
  const id = typeof nonce === 'string' ? deliveryId(nonce) : undefined;
  return { verdict: 'verified', proof: 'signature', subject, steps, ...(id === undefined ? {} : { identity: { id } }) };
}

function verifyRequest(
  request: RawRequest,
  options: HttpSignatureOptions,
  secrets: ReceiverSecrets,
  nowMs: number,
): Verdict {
  if (!options.keys.some((key) => keyOf(key, secrets) !== undefined)) {
    return refuse((secrets.named?.size ?? 0) === 0 ? 'NoSecret' : 'SecretMalformed', 'secrets');
  }
  const [inputs, signatures] = ['signature-input', 'signature'].map((name) => single(request.headers.get(name)));
  for (const header of [inputs, signatures]) {
    if (header?.kind === 'none')
      return refuse('SignatureMissing', 'signature header', [], 'signature, signature-input');
    if (header?.kind === 'many')
      return refuse('SignatureRepeated', 'signature header', [], 'signature, signature-input');
  }
  const lists = readInnerLists(inputs?.kind === 'one' ? inputs.value : '');
  const bytes = readByteSequences(signatures?.kind === 'one' ? signatures.value : '');
  if (lists === undefined || bytes === undefined) {
    return refuse('SignatureMalformed', 'signature header', [], 'signature, signature-input');
  }
  const placed = options.url === undefined ? request : { ...request, publicUrl: options.url };
  let refusal: Verdict | undefined;
  for (const [label, input] of lists) {
    const signature = bytes.get(label);
    if (signature === undefined) continue;
    const verdict = judge(label, input, signature, placed, options, secrets, nowMs);
    if (verdict.verdict === 'verified') return verdict;
    // A proxy may have added a signature of its own: the one that came farthest tells most.
    if (refusal === undefined || verdict.steps.length > refusal.steps.length) refusal = verdict;
  }
  return refusal ?? refuse('SignatureMalformed', 'signature header', [], 'no label is in both');
}

/** A key that its algorithm cannot use would refuse everybody. */
function checkKey(secret: Uint8Array, path: string | undefined, keys: readonly SignatureKey[]): string | undefined {
  const key = readJwtKey(secret);
  if (key === undefined) return 'is neither PEM, a JWK nor a shared secret';
  const named = keys.filter((each) => each.path === path);
  const algorithms = (named.length === 0 ? keys : named).map(({ algorithm }) => algorithm);
  if (algorithms.some((algorithm) => fitsAlgorithm(algorithm, key))) return undefined;
  return `is no key for ${algorithms.join(', ')}: put ${algorithms.includes('hmac-sha256') ? 'the shared secret' : 'the public key, PEM or JWK,'} there`;
}

function prepareWith(options: HttpSignatureOptions): PreparedReceiver {
  const bare = options.components.includes('content-digest')
    ? []
    : ['components: without content-digest the body is not covered: anybody can change it'];
  return {
    profile,
    credentialHeaders: profile.credentialHeaders,
    credentialQuery: [],
    credentialParams: [],
    warnings: bare,
    checkSecret: (secret, path) => checkKey(secret, path, options.keys),
    keyLength: (secret) => readJwtKey(secret)?.symmetricKeySize ?? 32,
    handshake: () => undefined,
    verify: (request, secrets, tools) => verifyRequest(request, options, secrets, tools.now()),
    identify: (_request, { identity }) => ({
      ...requestEvent,
      ...(identity?.id === undefined ? {} : { deliveryId: identity.id }),
      idSigned: true,
    }),
  };
}

function read(fields: Fields): { readonly options: HttpSignatureOptions; readonly reader: FieldReader } {
  const reader = new FieldReader(fields);
  return { options: readHttpSignatureOptions(reader, required), reader };
}

export const httpSignature: ReceiverDefinition = {
  profile,
  guide: {
    secret: '`keys`: public keys (PEM or JWK) or shared secrets, each with the `keyid` and algorithm it is used with.',
    example: { keys: [{ id: 'partner-1', algorithm: 'ed25519', keyRef: { name: 'partner', key: 'publicKey' } }] },
    scheme:
      'The signature covers method, target URI and `Content-Digest` (or `components`), by the key that `keyid` names',
    replay: '`created` may be 5 minutes off, `expires` counts; `nonce` is the duplicate key.',
    event: '`request`',
    id: '`nonce`, signed',
    vectors: [],
    interop: 'http-message-signatures',
    sampleEvent: 'request',
  },
  fields: httpSignatureFields,
  required: ['keys'],
  prepare: (fields) => {
    const { options, reader } = read(fields);
    if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
    return { ok: true, receiver: prepareWith(options) };
  },
  secretFields: (fields) => read(fields).options.keys.map(({ path, reference }) => ({ path, reference })),
  sign: (_event, body, url, fields, secrets, tools) => {
    const { options } = read(fields);
    const key = options.keys.find((candidate) => keyOf(candidate, secrets) !== undefined);
    const secret = key === undefined ? undefined : keyOf(key, secrets);
    if (key === undefined || secret === undefined) throw new Error('httpSignature: the key that signs is missing');
    const headers = { 'content-type': 'application/json', 'content-digest': writeBodyDigest('content-digest', body) };
    const request = unsignedRequest({ method: 'POST', url: options.url ?? url, body, headers });
    const names = [...new Set([...options.components, 'content-digest'])];
    const created = Math.floor(tools.now() / 1000);
    const written = `(${names.map((name) => `"${name}"`).join(' ')});created=${created};keyid="${key.id}";alg="${key.algorithm}";nonce="${tools.newId()}"`;
    const input = readInnerLists(`sig1=${written}`)?.get('sig1');
    const base = input === undefined ? undefined : signatureBase(input, request);
    if (base?.ok !== true) throw new Error('httpSignature: a component of `components` is not in the request');
    const signature = signBase(key.algorithm, base.text, secret).toString('base64');
    return {
      method: 'POST',
      headers: { ...headers, 'signature-input': `sig1=${written}`, signature: `sig1=:${signature}:` },
      body,
    };
  },
};
