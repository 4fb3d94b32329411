/**
 * Amazon SNS over HTTPS.
 * https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html and, for the signed fields and their order,
 * aws/aws-js-sns-message-validator; https://docs.aws.amazon.com/sns/latest/dg/http-subscription-confirmation-json.html
 */
import { sign, verify } from 'node:crypto';
import { parseJson } from '../function/parse-json.ts';
import { decodeBase64 } from './decode-digest.ts';
import { identified } from './identify-event.ts';
import { privateKey } from './paypal.ts';
import { FieldReader, type Fields } from './read-fields.ts';
import { readJsonMembers, readJsonPointer, readJsonText } from './read-json-pointer.ts';
import { fetchCertificate } from './signing-certificate.ts';
import { parseTimestamp } from './timestamp.ts';
import type {
  HostAnswer,
  Identified,
  PreparedReceiver,
  RawRequest,
  ReceiverDefinition,
  Step,
  Verdict,
  VerifyTools,
} from './types.ts';
import { vendorProfile } from './vendor-profile.ts';
import { accept, refuse } from './verdict.ts';

/** A message is signed when it is published and sent for days where the subscription says so; an hour is the default policy. */
const toleranceMs = 3_600_000;
const maxFieldBytes = 1_048_576;
const maxMembers = 64;

const host = 'sns\\.[a-z0-9-]{3,32}\\.amazonaws\\.com(?:\\.cn)?';
/** Exactly Amazon's hosts: anything else would let a stranger choose the key, or what we fetch. */
const certificateUrl = new RegExp(`^https://${host}/SimpleNotificationService-[A-Za-z0-9]{1,64}\\.pem$`);
const subscribeUrl = new RegExp(`^https://${host}/\\?Action=ConfirmSubscription&[\\w&=:%.-]{1,2048}$`);
const certificateName = /^sns(?:\.[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?$/i;

/** Signed in this order, each name and value followed by a line feed; those that are there. */
const notificationFields = ['Message', 'MessageId', 'Subject', 'Timestamp', 'TopicArn', 'Type'] as const;
const subscriptionFields = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'] as const;

const profile = vendorProfile({
  name: 'awsSns',
  title: 'Amazon SNS',
  documentation: 'https://docs.aws.amazon.com/sns/latest/dg/sns-verify-signature-of-message.html',
  answerBudgetMs: 15_000,
  secretsRequired: 0,
});

/** A message is an object of texts; the signature covers these, not the bytes around them. */
type Message = ReadonlyMap<string, Buffer>;

function textOf(message: Message, name: string): string | undefined {
  const bytes = message.get(name);
  const value = bytes === undefined ? undefined : readJsonPointer(bytes, [], maxFieldBytes);
  return typeof value === 'string' ? value : undefined;
}

function signedText(message: Message): string {
  const names = textOf(message, 'Type') === 'Notification' ? notificationFields : subscriptionFields;
  return names
    .map((name) => {
      const value = textOf(message, name);
      return value === undefined ? '' : `${name}\n${value}\n`;
    })
    .join('');
}

const types: ReadonlySet<unknown> = new Set(['Notification', 'SubscriptionConfirmation', 'UnsubscribeConfirmation']);
const oneLine = ['MessageId', 'SubscribeURL', 'Subject', 'Timestamp', 'Token', 'TopicArn'] as const;

/**
 * The signed text puts names and values in lines, so a line feed in a value could be taken for the border of two fields:
 * only a message may have some. A field that is there must be text.
 */
function brokenField(message: Message): string | undefined {
  if (!types.has(textOf(message, 'Type'))) return 'Type';
  return oneLine.find((name) => {
    const value = textOf(message, name);
    return value === undefined ? isGiven(message.get(name)) : /[\r\n]/.test(value);
  });
}

const isGiven = (bytes: Buffer | undefined): boolean => bytes !== undefined && bytes.toString('latin1') !== 'null';

async function verifyMessage(request: RawRequest, topics: readonly string[], tools: VerifyTools): Promise<Verdict> {
  const body = readJsonMembers(request.body, maxMembers);
  if (body === undefined) return refuse('PartMalformed', 'message', [], 'the body');
  const signature = textOf(body, 'Signature');
  if (signature === undefined) return refuse('SignatureMissing', 'signature', [], 'Signature of the body');
  const bytes = signature.length > 1024 ? undefined : decodeBase64(signature);
  const version = textOf(body, 'SignatureVersion');
  const url = textOf(body, 'SigningCertURL') ?? textOf(body, 'SigningCertUrl') ?? '';
  const broken = brokenField(body);
  if (broken !== undefined) return refuse('PartMalformed', 'message', [], broken);
  if (bytes === undefined || (version !== '1' && version !== '2')) return refuse('SignatureMalformed', 'signature');
  // Anybody can make a topic of his own, whose messages Amazon signs just as well.
  if (!topics.includes(textOf(body, 'TopicArn') ?? '')) return refuse('ContentMismatch', 'topic');
  const sentAtMs = parseTimestamp(textOf(body, 'Timestamp') ?? '', 'rfc3339');
  if (sentAtMs === undefined) return refuse('TimestampMalformed', 'timestamp');
  if (!certificateUrl.test(url)) return refuse('CertificateRefused', 'certificate', [], 'its URL is not Amazon’s');
  const steps: Step[] = [{ step: 'topic', ok: true, detail: 'one of those configured' }];
  const nowMs = tools.now();
  const result = await fetchCertificate(url, { name: certificateName }, nowMs, tools.fetchDocument);
  if (!result.ok) return refuse(result.reason, 'certificate', steps, result.detail);
  steps.push({ step: 'certificate', ok: true, detail: 'from its host, name and time' });
  const algorithm = version === '1' ? 'sha1' : 'sha256';
  if (!verify(algorithm, Buffer.from(signedText(body)), result.certificate.publicKey, bytes)) {
    return refuse('SignatureMismatch', 'signature', steps, `RSA-${algorithm}`);
  }
  steps.push({ step: 'signature', ok: true, detail: `RSA-${algorithm} over the fields of the message` });
  const off = Math.round((nowMs - sentAtMs) / 1000);
  const detail = `${Math.abs(off)} s ${off < 0 ? 'ahead' : 'old'}, allowed ${toleranceMs / 1000} s`;
  if (Math.abs(off) * 1000 > toleranceMs) {
    return { ...refuse('TimestampOutsideTolerance', 'timestamp', steps, detail), signedAtMs: sentAtMs };
  }
  steps.push({ step: 'timestamp', ok: true, detail });
  return accept('signature', steps);
}

/** A verified `SubscriptionConfirmation` of a configured topic is confirmed by a GET to Amazon, and answered. */
async function confirm(request: RawRequest, tools: VerifyTools): Promise<HostAnswer | undefined> {
  const body = readJsonMembers(request.body, maxMembers) ?? new Map<string, Buffer>();
  const type = textOf(body, 'Type');
  if (type === 'UnsubscribeConfirmation') return { status: 200 };
  if (type !== 'SubscriptionConfirmation') return undefined;
  const url = textOf(body, 'SubscribeURL') ?? '';
  if (!subscribeUrl.test(url) || tools.fetchDocument === undefined) return { status: 400 };
  const visited = await tools.fetchDocument(url);
  // Amazon tries again on anything but 2xx.
  return { status: visited.ok ? 200 : 503 };
}

function prepareWith(topics: readonly string[]): PreparedReceiver {
  return {
    profile,
    fetches: true,
    credentialHeaders: [],
    credentialQuery: [],
    credentialParams: [],
    warnings: [],
    checkSecret: () => undefined,
    keyLength: (secret) => secret.length,
    handshake: () => undefined,
    verify: async (request, _secrets, tools) => verifyMessage(request, topics, tools),
    confirm,
    identify,
  };
}

/** From the same reading that was verified: the bytes around the fields are not signed, so escapes may differ. */
function identify({ body }: RawRequest): Identified {
  const message = readJsonMembers(body, maxMembers) ?? new Map<string, Buffer>();
  return {
    ...identified('com.amazonaws.sns', textOf(message, 'Type'), {
      id: textOf(message, 'MessageId'),
      idSigned: true,
      source: textOf(message, 'TopicArn'),
      subject: textOf(message, 'Subject'),
    }),
    // It is sent as text/plain.
    contentType: 'application/json',
  };
}

function read(fields: Fields): { readonly topics: readonly string[]; readonly reader: FieldReader } {
  const reader = new FieldReader(fields);
  const topics = reader.texts('topicArns', 32) ?? [];
  for (const [index, topic] of topics.entries()) {
    if (!/^arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w.-]{1,256}$/.test(topic)) {
      reader.mistake(`topicArns[${index}]`, 'must be the ARN of a topic');
    }
  }
  if (!reader.has('topicArns')) reader.mistake('topicArns', 'is required: anybody can make a topic that Amazon signs');
  reader.allowOnly(['topicArns']);
  return { topics, reader };
}

export const awsSns: ReceiverDefinition = {
  profile,
  guide: {
    secret: 'None: `topicArns` lists the topics, and the certificate is Amazon’s.',
    setUp: [
      'Set `topicArns` to the ARN of the topic and apply the function.',
      'In the SNS console open the topic, "Create subscription", protocol HTTPS, and type the URL of the trigger.',
      'Leave "Enable raw message delivery" off: raw messages are not signed. The host confirms the subscription.',
      'Prefer signature version 2 (SHA-256): topic attribute `SignatureVersion`.',
    ],
    example: { topicArns: ['arn:aws:sns:eu-central-1:123456789012:orders'] },
    scheme:
      'RSA-SHA256 (version 2) or RSA-SHA1 (1) over the fields of the message, with the certificate at `SigningCertURL`',
    handshake: 'A verified `SubscriptionConfirmation` of a listed topic is confirmed by a request to Amazon.',
    replay: 'The signed time may be an hour off.',
    event: '`Type`: `Notification`',
    id: '`MessageId`, signed',
    vectors: [],
    interop: 'sns-validator',
    sampleEvent: 'Notification',
  },
  fields: {
    topicArns: {
      type: 'array',
      minItems: 1,
      maxItems: 32,
      'x-kubernetes-list-type': 'set',
      items: { type: 'string', minLength: 1, maxLength: 512, description: 'ARN of a topic.' },
      description: 'ARNs of the topics whose messages pass.',
    },
  },
  required: ['topicArns'],
  prepare: (fields) => {
    const { topics, reader } = read(fields);
    if (reader.mistakes.length > 0) return { ok: false, mistakes: reader.mistakes };
    return { ok: true, receiver: prepareWith(topics) };
  },
  sign: (event, body, _url, fields, secrets, tools) => {
    const [secret] = secrets.secrets;
    const key = secret === undefined ? undefined : privateKey(secret);
    if (key === undefined) {
      throw new Error('awsSns: only Amazon has the key; --secret-file with a private key (PEM) signs for tests');
    }
    const text = Buffer.from(body).toString('utf8');
    const envelope = readJsonText(body, ['Type']) === undefined ? {} : (parseJson(text) as Record<string, unknown>);
    const message = {
      Type: event,
      MessageId: tools.newId(),
      TopicArn: read(fields).topics[0] ?? '',
      Message: text,
      Timestamp: new Date(tools.now()).toISOString(),
      ...envelope,
      SignatureVersion: '2',
      SigningCertURL: 'https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0000.pem',
    };
    const bytes = Buffer.from(JSON.stringify(message));
    const signature = sign(
      'sha256',
      Buffer.from(signedText(readJsonMembers(bytes, maxMembers) ?? new Map())),
      key,
    ).toString('base64');
    return {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=UTF-8', 'x-amz-sns-message-type': message.Type },
      body: Buffer.from(JSON.stringify({ ...message, Signature: signature })),
    };
  },
};
