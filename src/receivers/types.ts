/** What a receiver is: everything the product knows about one sender. One file per sender implements this. */

/** A request as it arrived, before anything was parsed. Header names are lower case; values in order of arrival. */
export interface RawRequest {
  readonly method: string;
  /** Path and query exactly as received: `/team-a/deploy?x=1`. */
  readonly target: string;
  /** The configured public URL of this route plus path and query: what URL-signing senders are verified against. */
  readonly publicUrl: string;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly query: ReadonlyMap<string, readonly string[]>;
  readonly params: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
}

/** Secrets resolved for a receiver, raw bytes; the first signs (`send`), all verify. */
export interface ReceiverSecrets {
  readonly secrets: readonly Uint8Array[];
}

export type Proof = 'signature' | 'secret' | 'none';

/** One named step of verification with its outcome, for `explain` and `moonhook verify`. Never holds secret bytes. */
export interface Step {
  readonly step: string;
  readonly ok: boolean;
  readonly detail: string;
}

export interface VerifiedSender {
  readonly verdict: 'verified';
  readonly proof: Proof;
  readonly subject?: string;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
}

export interface RefusedSender {
  readonly verdict: 'refused';
  /** Stable reason: `SignatureMissing`, `SignatureMismatch`, `TimestampOutsideTolerance`, `TokenMissing`, `TokenMismatch` … */
  readonly reason: string;
  readonly steps: readonly Step[];
}

export type Verdict = VerifiedSender | RefusedSender;

/** An answer the host gives without Lua (handshake, duplicate, acknowledgement). */
export interface HostAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** What the verified request says about itself. */
export interface Identified {
  /** The sender's word, action after a dot: `push`, `pull_request.opened`. */
  readonly name: string;
  /** CloudEvents type: `com.github.pull_request.opened`. */
  readonly type: string;
  readonly source?: string;
  readonly subject?: string;
  readonly deliveryId?: string;
  /** True: the delivery id is covered by the signature; else the duplicate key also holds a hash of the body. */
  readonly idSigned: boolean;
  /** Set: the form field whose content is the JSON event (GitHub and Slack `payload`). */
  readonly formField?: string;
}

/** Work a receiver cannot do itself: comes in as arguments. */
export interface VerifyTools {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs a Lua verifier (`custom`); the only receiver that needs it. */
  runVerifier?(handler: string, request: RawRequest, secrets: readonly Uint8Array[]): Promise<VerifierAnswer>;
  /** Fetches a verification document (JWKS, certificate) from an allow-listed host, cached by the host. */
  fetchDocument?(url: string): Promise<Uint8Array>;
}

export type VerifierAnswer =
  | { readonly ok: true; readonly id?: string; readonly type?: string }
  | { readonly ok: false; readonly reason: string };

/** Facts about a sender that the rest of the product acts on. */
export interface SenderProfile {
  /** As in YAML: `github`. */
  readonly name: string;
  readonly title: string;
  /** The page at the sender's that says so. */
  readonly documentation: string;
  /** `sync` for generic receivers; else what fits the sender. */
  readonly defaultMode: 'sync' | 'async';
  /** The sender gives up after so many milliseconds. */
  readonly answerBudgetMs?: number;
  /** The sender repeats a failed delivery by itself (false: GitHub). */
  readonly retriesByItself: boolean;
  /** What the sender wants to see when an event was accepted. */
  readonly acknowledgement: HostAnswer;
  readonly duplicateWindowMs?: number;
  /** Credentials to strip before event, store, record, log: header names, query names. */
  readonly credentialHeaders: readonly string[];
  readonly credentialQuery: readonly string[];
  readonly minimumSecretBytes: number;
  /** At least so many `secretRefs`. */
  readonly secretsRequired: number;
}

/** A receiver with its fields checked and parsed once, ready for requests. */
export interface PreparedReceiver {
  readonly profile: SenderProfile;
  /** Depends on the configured fields: `urlSecret { query: code }` strips `code`. */
  readonly credentialHeaders: readonly string[];
  readonly credentialQuery: readonly string[];
  /** Names of path parameters that are credentials: masked in path, params, record. */
  readonly credentialParams: readonly string[];
  /** A handshake answered before verification; undefined: not a handshake. */
  handshake(request: RawRequest, secrets: ReceiverSecrets): HostAnswer | undefined;
  verify(request: RawRequest, secrets: ReceiverSecrets, tools: VerifyTools): Verdict | Promise<Verdict>;
  /** A handshake that must be answered only after verification (Slack `url_verification`, Discord ping). */
  verifiedHandshake?(request: RawRequest): HostAnswer | undefined;
  identify(request: RawRequest, verdict: VerifiedSender): Identified;
}

/** A genuine request as the sender would make it, for `send` and the tests. */
export interface SignedRequest {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Path and query to use instead of the given one (secrets in the URL). */
  readonly target?: string;
}

export interface SignTools {
  now(): number;
  newId(): string;
}

/** The catalogue entry of a sender. */
export interface ReceiverDefinition {
  readonly profile: SenderProfile;
  /** JSON schema (OpenAPI v3 subset of CRDs) of its own fields besides `secretRefs` and `events`; every one described. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Which of `secretRefs` (always optional otherwise) and own fields are required. */
  readonly required: readonly string[];
  /** Parses the fields; a mistake is data with the path inside the receiver's object. */
  prepare(fields: Readonly<Record<string, unknown>>): PrepareResult;
  /** Builds a request as the sender would (`send --as`). */
  sign(
    event: string,
    body: Uint8Array,
    target: string,
    fields: Readonly<Record<string, unknown>>,
    secrets: ReceiverSecrets,
    tools: SignTools,
  ): SignedRequest;
}

export type PrepareResult =
  | { readonly ok: true; readonly receiver: PreparedReceiver }
  | { readonly ok: false; readonly mistakes: readonly { readonly path: string; readonly message: string }[] };
