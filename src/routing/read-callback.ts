/** `callback` of a function or trigger: where results may be sent, and the secrets that sign them. */
import type { KeyReference } from '../function/types.ts';
import { notResolved } from './problem.ts';
import type { BuildContext } from './build-context.ts';
import type { CallbackEntry, Problem } from './types.ts';

/** Standard Webhooks asks for keys of 24 to 64 bytes; less than 16 is refused like any other weak secret. */
const minimumSecretBytes = 16;

export interface ReadCallback {
  /** Undefined: not usable, `X-Callback-Url` is refused. */
  readonly entry: CallbackEntry | undefined;
  readonly problems: readonly Problem[];
}

/** Resolves the secrets; without all of them there is no callback. */
export function readCallback(
  callback: { readonly secretRefs: readonly KeyReference[]; readonly urls: readonly string[] },
  path: string,
  { reader, policy }: Pick<BuildContext, 'reader' | 'policy'>,
): ReadCallback {
  const problems: Problem[] = [];
  const secrets: string[] = [];
  callback.secretRefs.forEach((reference, index) => {
    const at = `${path}.secretRefs[${index}]`;
    const read = reader.secretValue(reference, at);
    if (!read.ok) {
      problems.push(read.problem);
      return;
    }
    const key = signingKey(read.value);
    if (key.length < minimumSecretBytes && !policy.allowWeakSecrets) {
      const message = `the secret has ${key.length} bytes, callbacks are signed with at least ${minimumSecretBytes}`;
      problems.push(notResolved('SecretTooWeak', at, message));
    }
    secrets.push(Buffer.from(read.value).toString('base64'));
  });
  return { entry: problems.length > 0 ? undefined : { urls: callback.urls, secrets }, problems };
}

/** The key inside `whsec_…`, as Standard Webhooks writes secrets; any other text is the key itself. */
function signingKey(secret: Uint8Array): Uint8Array {
  const text = Buffer.from(secret).toString('latin1').trim();
  return text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : secret;
}
