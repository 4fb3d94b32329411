/** Who may open the link: a runtime pod of this installation, by a token that is bound to it. Pure decisions. */

/** `status` of a TokenReview (authentication.k8s.io/v1). */
export interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly error?: string;
  readonly user?: {
    readonly username?: string;
    readonly groups?: readonly string[];
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

/** What the installation expects of a runtime's token. */
export interface RuntimeAccounts {
  /** Of this installation only; no other program's tokens carry it. */
  readonly audience: string;
  /** Release namespace. */
  readonly namespace: string;
  /** Runtime group by name of the ServiceAccount: the group is proved, not claimed. */
  readonly groups: ReadonlyMap<string, string>;
}

/** What a token proves. */
export interface RuntimeProof {
  readonly podName: string;
  readonly podUid: string;
  readonly group: string;
  /** Milliseconds since the epoch; the link ends then unless it was proved again. */
  readonly expiresAt: number;
}

export type ProofVerdict =
  | { readonly ok: true; readonly proof: RuntimeProof }
  | { readonly ok: false; readonly reason: string };

const podName = 'authentication.kubernetes.io/pod-name';
const podUid = 'authentication.kubernetes.io/pod-uid';
const accountPrefix = 'system:serviceaccount:';

/** `fallbackExpiry`: for tokens that do not say when they end. */
export function judgeRuntimeToken(
  status: TokenReviewStatus,
  token: string,
  accounts: RuntimeAccounts,
  fallbackExpiry: number,
): ProofVerdict {
  const refused = (reason: string): ProofVerdict => ({ ok: false, reason });
  if (status.authenticated !== true) return refused('the API server does not know this token, or its pod is gone');
  // A server that ignores audiences answers without them: then nothing is proved (TokenReviewSpec.audiences).
  if (status.audiences?.includes(accounts.audience) !== true) {
    return refused(`the token was not made for this installation (audience ${accounts.audience})`);
  }
  const username = status.user?.username ?? '';
  const [namespace, account = '', ...rest] = username.startsWith(accountPrefix)
    ? username.slice(accountPrefix.length).split(':')
    : [];
  const group = accounts.groups.get(account);
  if (namespace !== accounts.namespace || group === undefined || rest.length > 0) {
    return refused('the token is not that of a runtime of this installation');
  }
  const uid = only(status, podUid);
  const name = only(status, podName);
  if (uid === undefined || name === undefined) return refused('the token is not bound to a pod');
  return { ok: true, proof: { podName: name, podUid: uid, group, expiresAt: expiryOf(token) ?? fallbackExpiry } };
}

function only({ user }: TokenReviewStatus, key: string): string | undefined {
  const values = user?.extra?.[key];
  return values?.length === 1 && values[0] !== '' ? values[0] : undefined;
}

/** `exp` of a JWT that was found valid (RFC 7519 §4.1.4), in milliseconds. */
function expiryOf(token: string): number | undefined {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    const exp = (payload as { readonly exp?: unknown } | null)?.exp;
    return typeof exp === 'number' && Number.isFinite(exp) ? exp * 1000 : undefined;
  } catch {
    return undefined;
  }
}
