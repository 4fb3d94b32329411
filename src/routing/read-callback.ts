/** `callback` of a function or trigger: where results may be sent, and the secrets that sign them. */
import type { KeyReference } from '../function/types.ts';
import type { BuildContext } from './build-context.ts';
import { readSigningSecrets } from './read-signing-secrets.ts';
import type { CallbackEntry, Problem } from './types.ts';

export interface ReadCallback {
  /** Undefined: not usable, `X-Callback-Url` is refused. */
  readonly entry: CallbackEntry | undefined;
  readonly problems: readonly Problem[];
}

/** Resolves the secrets; without all of them there is no callback. */
export function readCallback(
  callback: { readonly secretRefs: readonly KeyReference[]; readonly urls: readonly string[] },
  path: string,
  context: Pick<BuildContext, 'reader' | 'policy'>,
): ReadCallback {
  const { secrets, problems } = readSigningSecrets(callback.secretRefs, `${path}.secretRefs`, 'callbacks', context);
  return { entry: problems.length > 0 ? undefined : { urls: callback.urls, secrets }, problems };
}
