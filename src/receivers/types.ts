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

/**
 * Secrets resolved for a receiver, raw bytes; the first signs (`send`), all verify. Pass the same arrays with each
 * request: derived keys are remembered by identity.
 */
export interface ReceiverSecrets {
  readonly secrets: readonly Uint8Array[];
  /** Secrets of the receiver's own reference fields, by `SecretField.path`: `verifyTokenRef`, `keys[0].secretRef`. */
  readonly named?: ReadonlyMap<string, Uint8Array>;
}

/** A reference to a Secret besides `secretRefs`, found in the receiver's own fields. */
export interface SecretField {
  /** Path inside the receiver's object: `verifyTokenRef`, `keys[0].secretRef`. */
  readonly path: string;
  readonly reference: { readonly name: string; readonly key: string };
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
  /** What a verifier written in Lua said the request is (`custom`). */
  readonly identity?: { readonly id?: string; readonly type?: string };
  readonly steps: readonly Step[];
}

export interface RefusedSender {
  readonly verdict: 'refused';
  /** Stable reason: `SignatureMissing`, `SignatureMismatch`, `TimestampOutsideTolerance`, `TokenMissing`, `TokenMismatch` … */
  readonly reason: string;
  readonly steps: readonly Step[];
  /** `TimestampOutsideTolerance`: the signed time, milliseconds since the epoch. */
  readonly signedAtMs?: number;
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
  /** What the signature covers where that is not the bytes of the body: they may be written in another way and say the same. */
  readonly covered?: string;
  /** Set: the form field whose content is the JSON event (GitHub and Slack `payload`). */
  readonly formField?: string;
  /** What the body is, where the sender's content type says otherwise. */
  readonly contentType?: string;
  /** A body that holds several events (HubSpot, Mandrill, Meta): each with a duplicate key of its own. */
  readonly items?: readonly BatchItem[];
}

/** One event of a batched body. */
export interface BatchItem {
  /** Where the item is in the body: a JSON pointer (`/0`), or the element's place in a document of another kind. */
  readonly pointer: string;
  readonly name: string;
  readonly type: string;
  /** Absent: equal items are duplicates by their bytes. */
  readonly deliveryId?: string;
  /** The bytes of the item alone: the body of the event it becomes. */
  readonly body: Uint8Array;
  readonly contentType: string;
}

/** Work a receiver cannot do itself: comes in as arguments. */
export interface VerifyTools {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs a Lua verifier (`custom`); the only receiver that needs it. */
  runVerifier?(handler: string, request: RawRequest, secrets: readonly Uint8Array[]): Promise<VerifierAnswer>;
  /**
   * Fetches a document that verification needs (JWKS, certificate) from a host that the receiver has checked or that is
   * configured; through the outbound guard, cached, also when it cannot be had.
   */
  fetchDocument?: FetchDocument;
}

/** `refresh`: the cached one has not what is needed; fetched again at most once a minute. */
export type FetchDocument = (url: string, refresh?: boolean) => Promise<FetchedDocument>;

/** The same bytes come as the same array as long as they are cached. */
export type FetchedDocument =
  | { readonly ok: true; readonly bytes: Uint8Array }
  | { readonly ok: false; readonly message: string };

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
  /** What makes two deliveries the same: the sender's id, the body (senders without an id), or nothing. */
  readonly duplicateBy: 'id' | 'body' | 'none';
  readonly duplicateWindowMs?: number;
  /** Events that only test the connection: acknowledged by the host without Lua unless the trigger's `events` names them. */
  readonly handshakeEvents?: readonly string[];
  /** Methods with which the sender checks the URL, besides the POST of its events. */
  readonly handshakeMethods?: readonly string[];
  /** Credentials to strip before event, store, record, log: header names (lower case), query names. */
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
  /** Weaknesses the sender's scheme or the configuration brings, for `describe`. */
  readonly warnings: readonly string[];
  /** It needs documents from elsewhere: `VerifyTools.fetchDocument`. */
  readonly fetches?: boolean;
  /** Why a secret cannot be used (wrong encoding, empty), without its content; undefined: it can. Checked at apply. */
  checkSecret(secret: Uint8Array, path?: string): string | undefined;
  /** Length of the key a secret decodes to: what `minimumSecretBytes` is compared with. */
  keyLength(secret: Uint8Array): number;
  /** A handshake answered before verification; undefined: not a handshake. */
  handshake(request: RawRequest, secrets: ReceiverSecrets): HostAnswer | undefined;
  verify(request: RawRequest, secrets: ReceiverSecrets, tools: VerifyTools): Verdict | Promise<Verdict>;
  /** A handshake that must be answered only after verification (Slack `url_verification`, Discord ping). */
  verifiedHandshake?(request: RawRequest): HostAnswer | undefined;
  /** A verified request that asks for a call back (SNS subscriptions): made, then answered by the host. */
  confirm?(request: RawRequest, tools: VerifyTools): Promise<HostAnswer | undefined>;
  identify(request: RawRequest, verdict: VerifiedSender): Identified;
  /** The answer to an accepted event where it depends on the request (Discord); else the profile's acknowledgement. */
  acknowledge?(request: RawRequest): HostAnswer;
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

/** What people have to know about a sender, for the reference page and `moonhook receivers`. */
export interface SenderGuide {
  /** What `secretRefs` hold and where to find it at the sender. */
  readonly secret: string;
  /** What to do at the sender, step by step; absent: the receiver belongs to no vendor. */
  readonly setUp?: readonly string[];
  /** Own fields of the example, where the receiver needs some. */
  readonly example?: Readonly<Record<string, unknown>>;
  /** Lua of the example, where it must hold more than a handler. */
  readonly exampleCode?: string;
  /** What is checked: `HMAC-SHA256 over the body, hex`. */
  readonly scheme: string;
  /** How the sender checks the URL; absent: it does not. */
  readonly handshake?: string;
  /** What keeps an old request from being sent again. */
  readonly replay: string;
  /** Where the event's name comes from. */
  readonly event: string;
  /** Where the delivery id comes from; absent: the sender gives none. */
  readonly id?: string;
  /** Ids in `test/vectors/receivers.json` that show it. */
  readonly vectors: readonly string[];
  /** The npm package the tests compare with. */
  readonly interop?: string;
  /** How to try it where the secret of the sender cannot sign. */
  readonly trial?: string;
  /** An event name `send --as` can be tried with. */
  readonly sampleEvent: string;
}

/** The catalogue entry of a sender. */
export interface ReceiverDefinition {
  readonly profile: SenderProfile;
  readonly guide: SenderGuide;
  /** JSON schema (OpenAPI v3 subset of CRDs) of its own fields besides `secretRefs` and `events`; every one described. */
  readonly fields: Readonly<Record<string, unknown>>;
  /** Which of `secretRefs` (always optional otherwise) and own fields are required. */
  readonly required: readonly string[];
  /** Parses the fields; a mistake is data with the path inside the receiver's object. */
  prepare(fields: Readonly<Record<string, unknown>>): PrepareResult;
  /** References to Secrets in its own fields, besides `secretRefs`; absent: there are none. */
  secretFields?(fields: Readonly<Record<string, unknown>>): readonly SecretField[];
  /** Builds a request as the sender would (`send --as`); `url` is the absolute public URL registered at the sender. */
  sign(
    event: string,
    body: Uint8Array,
    url: string,
    fields: Readonly<Record<string, unknown>>,
    secrets: ReceiverSecrets,
    tools: SignTools,
  ): SignedRequest;
}

export type PrepareResult =
  | { readonly ok: true; readonly receiver: PreparedReceiver }
  | { readonly ok: false; readonly mistakes: readonly { readonly path: string; readonly message: string }[] };
