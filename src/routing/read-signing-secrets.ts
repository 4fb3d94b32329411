/** The secrets that sign what is sent: resolved, and long enough. */
import type { KeyReference } from '../function/types.ts';
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import { notResolved } from './problem.ts';
import type { ReferenceReader } from './read-references.ts';
import type { Problem } from './types.ts';

/** Standard Webhooks asks for keys of 24 to 64 bytes; less than 16 is refused like any other weak secret. */
const minimumSecretBytes = 16;

export interface SigningSecrets {
  /** Base64. */
  readonly secrets: readonly string[];
  readonly problems: readonly Problem[];
}

/** `what` is signed, for the message. `path` is that of the list of references. */
export function readSigningSecrets(
  references: readonly KeyReference[],
  path: string,
  what: string,
  { reader, policy }: { readonly reader: ReferenceReader; readonly policy: InstallationPolicy },
): SigningSecrets {
  const problems: Problem[] = [];
  const secrets: string[] = [];
  references.forEach((reference, index) => {
    const at = `${path}[${index}]`;
    const read = reader.secretValue(reference, at);
    if (!read.ok) {
      problems.push(read.problem);
      return;
    }
    const key = signingKey(read.value);
    if (key.length < minimumSecretBytes && !policy.allowWeakSecrets) {
      const message = `the secret has ${key.length} bytes, ${what} are signed with at least ${minimumSecretBytes}`;
      problems.push(notResolved('SecretTooWeak', at, message));
    }
    secrets.push(Buffer.from(read.value).toString('base64'));
  });
  return { secrets, problems };
}

/** The key inside `whsec_…`, as Standard Webhooks writes secrets; any other text is the key itself. */
function signingKey(secret: Uint8Array): Uint8Array {
  const text = Buffer.from(secret).toString('latin1').trim();
  return text.startsWith('whsec_') ? Buffer.from(text.slice('whsec_'.length), 'base64') : secret;
}
