/**
 * PayPal, verified offline with the certificate it names.
 * https://developer.paypal.com/api/rest/webhooks/rest/ ("Self verification method")
 */
import { createPrivateKey, sign, verify, type KeyObject } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { decodeBase64 } from './decode-digest.ts';
import { identified } from './identify-event.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import { singleHeader } from './read-header.ts';
import { readJsonText } from './read-json-pointer.ts';
import { fetchCertificate } from './signing-certificate.ts';
import { parseTimestamp } from './timestamp.ts';
import type { PreparedReceiver, RawRequest, ReceiverDefinition, Step, Verdict, VerifyTools } from './types.ts';
import { vendorProfile } from './vendor-profile.ts';
import { accept, refuse } from './verdict.ts';

/** Repeats go on for three days; older transmissions are replays. */
const toleranceMs = 96 * 3_600_000;

const signatureHeader = 'paypal-transmission-sig';
const headers = ['paypal-transmission-id', 'paypal-transmission-time', 'paypal-cert-url', 'paypal-auth-algo'] as const;

/** Exactly these hosts and this path: anything else would let a stranger choose the key, or what we fetch. */
const certificateUrl =
  /^https:\/\/(?:api|api-m|api\.sandbox|api-m\.sandbox)\.paypal\.com\/v1\/notifications\/certs\/[A-Za-z0-9-]{1,128}$/;
const certificateName = /^(?:[a-z0-9-]+\.)+paypal\.com$/i;

const profile = vendorProfile({
  name: 'paypal',
  title: 'PayPal',
  documentation: 'https://developer.paypal.com/api/rest/webhooks/rest/',
  answerBudgetMs: 10_000,
  duplicateWindowMs: toleranceMs,
  credentialHeaders: [signatureHeader],
  secretsRequired: 0,
});

interface Transmission {
  readonly id: string;
  readonly time: string;
  readonly sentAtMs: number;
  readonly certificateUrl: string;
  readonly signature: Buffer;
}

function readTransmission(request: RawRequest): Transmission | { readonly refused: Verdict } {
  const signature = singleHeader(request, signatureHeader);
  if (signature.kind !== 'one') {
    const reason = signature.kind === 'none' ? 'SignatureMissing' : 'SignatureRepeated';
    return { refused: refuse(reason, 'signature header', [], signatureHeader) };
  }
  // 2048 to 4096 bits.
  const bytes = signature.value.length > 1024 ? undefined : decodeBase64(signature.value);
  if (bytes === undefined || bytes.length < 256) {
    return { refused: refuse('SignatureMalformed', 'signature header', [], signatureHeader) };
  }
  const [id = '', time = '', url = '', algorithm = ''] = headers.map((name) => {
    const value = singleHeader(request, name);
    return value.kind === 'one' ? value.value : '';
  });
  if (!/^[\w-]{1,128}$/.test(id)) return { refused: refuse('PartMissing', 'signed text', [], headers[0]) };
  const sentAtMs = parseTimestamp(time, 'rfc3339');
  if (sentAtMs === undefined) return { refused: refuse('TimestampMalformed', 'timestamp', [], headers[1]) };
  if (algorithm.toLowerCase() !== 'sha256withrsa') {
    return { refused: refuse('SignatureMalformed', 'algorithm', [], headers[3]) };
  }
  if (!certificateUrl.test(url))
    return { refused: refuse('CertificateRefused', 'certificate', [], 'its URL is not PayPal’s') };
  return { id, time, sentAtMs, certificateUrl: url, signature: bytes };
}

const signedText = (id: string, time: string, webhookId: string, body: Uint8Array): Buffer =>
  Buffer.from(`${id}|${time}|${webhookId}|${crc32(body)}`);

async function verifyTransmission(request: RawRequest, webhookId: string, tools: VerifyTools): Promise<Verdict> {
  const found = readTransmission(request);
  if ('refused' in found) return found.refused;
  const steps: Step[] = [{ step: 'signature header', ok: true, detail: signatureHeader }];
  const nowMs = tools.now();
  const result = await fetchCertificate(found.certificateUrl, { name: certificateName }, nowMs, tools.fetchDocument);
  if (!result.ok) return refuse(result.reason, 'certificate', steps, result.detail);
  steps.push({ step: 'certificate', ok: true, detail: 'from its host, name and time' });
  const text = signedText(found.id, found.time, webhookId, request.body);
  if (!verify('sha256', text, result.certificate.publicKey, found.signature)) {
    return refuse('SignatureMismatch', 'signature', steps, 'RSA-SHA256 with the configured webhook id');
  }
  steps.push({ step: 'signature', ok: true, detail: 'RSA-SHA256 over id, time, webhook id and CRC-32 of the body' });
  const off = Math.round((nowMs - found.sentAtMs) / 1000);
  const detail = `${Math.abs(off)} s ${off < 0 ? 'ahead' : 'old'}, allowed ${toleranceMs / 1000} s`;
  if (off * 1000 > toleranceMs || off < -300) {
    return { ...refuse('TimestampOutsideTolerance', 'timestamp', steps, detail), signedAtMs: found.sentAtMs };
  }
  steps.push({ step: 'timestamp', ok: true, detail });
  return accept('signature', steps);
}

function prepareWith(webhookId: string): PreparedReceiver {
  return {
    profile,
    fetches: true,
    credentialHeaders: profile.credentialHeaders,
    credentialQuery: [],
    credentialParams: [],
    warnings: ['PayPal signs a CRC-32 of the body only: look the resource up by its id before money depends on it'],
    checkSecret: () => undefined,
    keyLength: (secret) => secret.length,
    handshake: () => undefined,
    verify: async (request, _secrets, tools) => verifyTransmission(request, webhookId, tools),
    identify: ({ body }) =>
      identified('com.paypal', readJsonText(body, ['event_type']), {
        id: readJsonText(body, ['id']),
        // A CRC can be kept while the body is changed: the id alone would let an event be silenced.
        idSigned: false,
        source: readJsonText(body, ['links', '0', 'href']),
      }),
  };
}

function read(fields: Fields): { readonly webhookId: string; readonly reader: FieldReader } {
  const reader = new FieldReader(fields);
  const webhookId = reader.text('webhookId', {
    max: 64,
    pattern: /^\w+$/,
    form: 'a webhook id such as 4JH86294D6297924G',
  });
  if (!reader.has('webhookId')) reader.mistake('webhookId', 'is required: the id PayPal gave the webhook');
  reader.allowOnly(['webhookId']);
  return { webhookId: webhookId ?? '', reader };
}

export const paypal: ReceiverDefinition = {
  profile,
  guide: {
    secret: 'None: `webhookId` is the id that PayPal shows beside the webhook, and the certificate is PayPal’s.',
    setUp: [
      'In the PayPal developer dashboard open Apps & Credentials, the app, "Add Webhook".',
      'Type the URL of the trigger (https, port 443) and choose the events.',
      'Copy the "Webhook ID" that is shown then into `webhookId`. Events of the simulator carry the id `WEBHOOK_ID`.',
    ],
    example: { webhookId: '4JH86294D6297924G' },
    scheme: 'RSA-SHA256 over id, time, webhook id and CRC-32 of the body, with the certificate at `paypal-cert-url`',
    replay: 'The signed time may be four days old; ids are kept as long.',
    event: '`event_type`',
    id: '`id`, taken together with the body',
    vectors: ['paypal-2015'],
    sampleEvent: 'PAYMENT.SALE.COMPLETED',
  },
  fields: {
    webhookId: {
      type: 'string',
      minLength: 1,
      maxLength: 64,
      description: 'The id that PayPal gave the webhook; it is part of what is signed.',
    },
  },
  required: ['webhookId'],
  prepare: (fields) => {
    const { webhookId, reader } = read(fields);
    if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
    return { ok: true, receiver: prepareWith(webhookId) };
  },
  sign: (_event, body, _url, fields, secrets, tools) => {
    const [secret] = secrets.secrets;
    const key = secret === undefined ? undefined : privateKey(secret);
    if (key === undefined) {
      throw new Error('paypal: only PayPal has the key; --secret-file with a private key (PEM) signs for tests');
    }
    const id = tools.newId();
    const time = new Date(tools.now()).toISOString().replace(/\.\d+Z$/, 'Z');
    const text = signedText(id, time, read(fields).webhookId, body);
    return {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'paypal-transmission-id': id,
        'paypal-transmission-time': time,
        'paypal-cert-url': 'https://api.sandbox.paypal.com/v1/notifications/certs/CERT-example',
        'paypal-auth-algo': 'SHA256withRSA',
        [signatureHeader]: sign('sha256', text, key).toString('base64'),
      },
      body,
    };
  },
};

/** A private key in PEM, for tests. */
export function privateKey(secret: Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey(Buffer.from(secret));
  } catch {
    // Not PEM: the caller says what is needed.
    return undefined;
  }
}
