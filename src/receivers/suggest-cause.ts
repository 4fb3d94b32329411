/** Finds out why a genuine request does not verify, by trying the mistakes that people make with secrets and captures. */
import { parseJson } from '../function/parse-json.ts';
import { decodeBase64, decodeHex } from './decode-digest.ts';
import type { PreparedReceiver, RawRequest, ReceiverSecrets, RefusedSender } from './types.ts';

interface Attempt {
  readonly hint: string;
  readonly request?: RawRequest;
  readonly secrets?: ReceiverSecrets;
}

function* bodyAttempts(request: RawRequest): Generator<Attempt> {
  const text = Buffer.from(request.body).toString('utf8');
  const changed = (body: string): RawRequest => ({ ...request, body: Buffer.from(body) });
  yield { hint: 'the captured body lost its final newline', request: changed(`${text}\n`) };
  if (text.endsWith('\n')) {
    const hint = 'the captured body has a newline at its end that was not sent';
    yield { hint, request: changed(text.replace(/\r?\n$/, '')) };
  }
  if (text.includes('\r\n')) {
    yield { hint: 'line ends of the captured body became CRLF', request: changed(text.replaceAll('\r\n', '\n')) };
  } else if (text.includes('\n')) {
    yield { hint: 'the body was sent with CRLF line ends', request: changed(text.replaceAll('\n', '\r\n')) };
  }
  try {
    const hint = 'the captured body was parsed and printed again: capture the exact bytes (bodyBase64)';
    yield { hint, request: changed(JSON.stringify(parseJson(text))) };
  } catch {
    // Not JSON: nothing was printed again.
  }
}

function* secretAttempts(secrets: ReceiverSecrets): Generator<Attempt> {
  const all = (change: (secret: Uint8Array) => Uint8Array | undefined): ReceiverSecrets => ({
    ...secrets,
    secrets: secrets.secrets.map((secret) => change(secret) ?? secret),
  });
  const text = (secret: Uint8Array): string => Buffer.from(secret).toString('utf8');
  yield {
    hint: 'the secret has blanks or a newline around it that do not belong to it',
    secrets: all((secret) => Buffer.from(text(secret).trim())),
  };
  yield {
    hint: 'the secret has to be decoded from base64 first (hmac: secretEncoding: base64)',
    secrets: all((secret) => decodeBase64(text(secret).trim())),
  };
  yield {
    hint: 'the secret has to be decoded from hex first (hmac: secretEncoding: hex)',
    secrets: all((secret) => decodeHex(text(secret).trim())),
  };
  yield {
    hint: 'the secret is used as the sender shows it, not decoded from base64',
    secrets: all((secret) => Buffer.from(Buffer.from(secret).toString('base64'))),
  };
}

/** Sentences for a refused request; empty when nothing that was tried makes it pass. */
export async function suggestCause(
  receiver: PreparedReceiver,
  request: RawRequest,
  secrets: ReceiverSecrets,
  nowMs: number,
  refused: RefusedSender,
): Promise<readonly string[]> {
  if (refused.signedAtMs !== undefined) {
    return [
      `it was signed at ${new Date(refused.signedAtMs).toISOString()}: judge it at the time of its arrival (--at)`,
    ];
  }
  if (refused.reason !== 'SignatureMismatch' && refused.reason !== 'TokenMismatch') return [];
  for (const attempt of [...secretAttempts(secrets), ...bodyAttempts(request)]) {
    const verdict = await receiver.verify(attempt.request ?? request, attempt.secrets ?? secrets, { now: () => nowMs });
    const rightButOld = verdict.verdict === 'refused' && verdict.signedAtMs !== undefined;
    if (verdict.verdict === 'verified' || rightButOld) return [attempt.hint];
  }
  return [];
}
