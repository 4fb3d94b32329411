/** Settings of a runtime: every one with its default; complete inside the program. */
import { localPolicy, type InstallationPolicy } from '../policy/installation-policy.ts';

export interface ListenAddress {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

/** Bounds on what an unverified sender can hold (slow, half, huge requests). */
export interface InboundLimits {
  /** Request line and headers together. */
  readonly headerBytes: number;
  readonly headerCount: number;
  /** Headers must have arrived after so long. */
  readonly headersTimeoutMs: number;
  /** The whole request must have arrived after so long. */
  readonly requestTimeoutMs: number;
  /** An answer of which nothing was taken for so long is given up. */
  readonly sendTimeoutMs: number;
  readonly keepAliveMs: number;
  /** Body bytes being read at once for one client address, per worker. */
  readonly readingBytesPerAddress: number;
  /** Body bytes being read at once in all, per worker. */
  readonly readingBytes: number;
  /** Bytes of answers that one client address has not taken yet, per worker; above, its largest answer is given up. */
  readonly unreadBytesPerAddress: number;
  /** Bytes of answers not taken yet in all, per worker. */
  readonly unreadBytes: number;
  /** Connections of each listener, per worker: beyond, idle ones are closed and new ones are not accepted. */
  readonly connections: number;
  /** Of these one client address at most, per worker; trusted proxies have no bound of their own. */
  readonly connectionsPerAddress: number;
  /** Requests being read or answered at once, per worker. */
  readonly openRequests: number;
}

/** A fault injected by tests only; never set by a command or the environment. */
export interface InjectedFault {
  /** `NAMESPACE/NAME`: a call of it holds its thread for ever. */
  readonly stuckFunction?: string;
  /** `NAMESPACE/NAME`: a call of it ends its thread. */
  readonly crashFunction?: string;
  /** `NAMESPACE/NAME`: a call of it ends the process, as a defect of the machine would. */
  readonly killFunction?: string;
  /** A Float64 with the time by which signatures are judged, milliseconds since the epoch; 0: the machine's. */
  readonly wallClock?: SharedArrayBuffer;
  /** Outgoing requests: addresses by host name, ports in place of others, certificate authorities in PEM. */
  readonly network?: {
    readonly addresses: Readonly<Record<string, string>>;
    readonly ports: Readonly<Record<number, number>>;
    readonly ca: readonly string[];
  };
}

export interface RuntimeSettings {
  /** Worker threads; where the platform cannot share a port, one. */
  readonly workers: number;
  readonly public: ListenAddress;
  readonly calls: ListenAddress;
  readonly admin: ListenAddress;
  /** Token of the call listener: a local run gives it out, a runtime of a cluster keeps it to itself. Absent: it opens nothing. */
  readonly callToken?: string;
  /** In a cluster: callers prove themselves by tokens of this audience, which the controller reviews. */
  readonly callAudience?: string;
  /** Hosts, egress, trusted proxies of the installation. */
  readonly policy: InstallationPolicy;
  readonly inbound: InboundLimits;
  /** In-flight calls get so long to end when draining. */
  readonly drainGraceMs: number;
  readonly watchdog: {
    /** A thread silent for longer is replaced; far above any slice. */
    readonly silenceMs: number;
    /** The function that ran there is refused for so long. */
    readonly quarantineMs: number;
    /** A started thread is kept ready to take the place of one that ended: costs some 30 MB. */
    readonly standby: boolean;
  };
  readonly records: {
    readonly maxBytes: number;
    /** Records of calls that did not end `ok` are kept so long. */
    readonly keepMs: number;
    readonly okPerFunction: number;
    readonly refusedPerTrigger: number;
    readonly unrouted: number;
  };
  /** Functions with metric labels of their own; the rest is `other`. */
  readonly metricFunctions: number;
  /** Functions per runtime. */
  readonly maxFunctions: number;
  readonly asynchronous: {
    /** Asynchronous calls running at once, per worker. */
    readonly running: number;
    /** A lease lasts so long and is extended while its call runs. */
    readonly leaseMs: number;
    /** Events of a function or trigger that was deleted wait so long for it to come back. */
    readonly deletedMs: number;
    /** Events waiting for one destination; above, 429. */
    readonly waitingPerDestination: number;
    /** Bytes of one stored event. */
    readonly eventBytes: number;
    /** Bytes of accepted events that the store has not kept yet, per worker; above, 503. */
    readonly unansweredBytes: number;
    /** The oldest of them may wait so long; beyond, nothing more is handed to the store, and senders get 503. */
    readonly unansweredMs: number;
  };
  /** Where a draft is tried: who answers for the cluster, and with `requests` for the network (`runtime/stand-in.ts`). */
  readonly standIn?: { readonly channel: string; readonly requests: boolean };
  readonly fault?: InjectedFault;
}

const loopback = '127.0.0.1';

export const runtimeDefaults: RuntimeSettings = {
  workers: 1,
  public: { host: loopback, port: 8080 },
  calls: { host: loopback, port: 8081 },
  admin: { host: loopback, port: 9090 },
  policy: localPolicy('http://127.0.0.1:8080'),
  inbound: {
    headerBytes: 16 * 1024,
    headerCount: 200,
    headersTimeoutMs: 10_000,
    requestTimeoutMs: 60_000,
    sendTimeoutMs: 30_000,
    keepAliveMs: 65_000,
    readingBytesPerAddress: 16 * 1024 * 1024,
    readingBytes: 128 * 1024 * 1024,
    unreadBytesPerAddress: 64 * 1024 * 1024,
    unreadBytes: 256 * 1024 * 1024,
    connections: 20_000,
    connectionsPerAddress: 15_000,
    openRequests: 20_000,
  },
  drainGraceMs: 25_000,
  watchdog: { silenceMs: 2_000, quarantineMs: 60_000, standby: true },
  records: {
    maxBytes: 64 * 1024 * 1024,
    keepMs: 24 * 60 * 60 * 1000,
    okPerFunction: 100,
    refusedPerTrigger: 10,
    unrouted: 1_000,
  },
  metricFunctions: 1_000,
  maxFunctions: 16_384,
  asynchronous: {
    running: 200,
    leaseMs: 30_000,
    deletedMs: 3_600_000,
    waitingPerDestination: 10_000,
    eventBytes: 1024 * 1024,
    unansweredBytes: 8 * 1024 * 1024,
    unansweredMs: 2_000,
  },
};
