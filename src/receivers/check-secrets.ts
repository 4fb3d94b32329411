/** Checks resolved secrets before a trigger serves: missing, unusable and weak ones close it with a reason. */
import type { PreparedReceiver, ReceiverSecrets } from './types.ts';

export interface SecretProblem {
  /** Stable, a reason of the condition `ResolvedRefs`. */
  readonly reason: 'SecretMissing' | 'SecretMalformed' | 'SecretTooWeak';
  /** Says which secret by its place, never its content. */
  readonly message: string;
}

/** The first problem of the secrets of a trigger, or undefined. Weak ones pass where the installation allows them. */
export function checkSecrets(
  receiver: PreparedReceiver,
  secrets: ReceiverSecrets,
  options: { readonly allowWeakSecrets: boolean },
): SecretProblem | undefined {
  const { profile } = receiver;
  if (secrets.secrets.length < profile.secretsRequired) {
    const message = `receiver ${profile.name} needs ${profile.secretsRequired === 1 ? 'a secret' : `${profile.secretsRequired} secrets`} in secretRefs`;
    return { reason: 'SecretMissing', message };
  }
  const all = [
    ...secrets.secrets.map((secret, index) => [`secretRefs[${index}]`, secret] as const),
    ...(secrets.named ?? []),
  ];
  for (const [path, secret] of all) {
    const problem = receiver.checkSecret(secret, path);
    if (problem !== undefined) return { reason: 'SecretMalformed', message: `${path} ${problem}` };
    const length = receiver.keyLength(secret);
    if (!options.allowWeakSecrets && length < profile.minimumSecretBytes) {
      const message = `${path} has ${length} bytes, ${profile.title} secrets need at least ${profile.minimumSecretBytes}`;
      return { reason: 'SecretTooWeak', message };
    }
  }
  return undefined;
}
