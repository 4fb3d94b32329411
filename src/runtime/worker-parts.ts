/** What the steps of a request share on one worker thread. */
import type { FanOutRooms } from '../delivery/fan-out-room.ts';
import type { LeaseLoop } from '../delivery/lease-loop.ts';
import type { Tombstones } from '../delivery/tombstones.ts';
import type { HostContext } from '../host/types.ts';
import type { Engine } from '../lua/engine-contract.ts';
import type { OnRoll, Roll } from '../lua/roll.ts';
import type { VerifyTools } from '../receivers/types.ts';
import type { InjectedFault, RuntimeSettings } from '../settings/runtime-settings.ts';
import type { ConnectedStore } from '../store/connect-store.ts';
import type { Lease } from '../store/store.ts';
import type { CallCounters } from '../telemetry/call-counters.ts';
import type { ClientAddress } from './client-address.ts';
import type { Documents } from './fetch-document.ts';
import type { WaitingCounts } from './count-waiting.ts';
import type { DeliveryPlaces } from '../delivery/delivery-places.ts';
import type { LiveSubscriptions } from './live-subscriptions.ts';
import type { LiveTable } from './live-table.ts';
import type { OutgoingState } from './outgoing-slots.ts';
import type { PendingAppends } from './pending-appends.ts';
import type { ReadingBudget } from './read-body.ts';
import type { RecordBuffer } from './record-buffer.ts';
import type { CallerReviews } from './review-caller.ts';
import type { CallIds } from './call-ids.ts';
import type { CatchingCalls } from './catch-in-worker.ts';
import type { ReusedIds } from './reused-ids.ts';
import type { SharedKeys } from './shared-keys.ts';
import type { Inflight, ThreadSignals } from './thread-signals.ts';
import type { UnreadAnswers } from './unread-answers.ts';
import type { VerifierTurns } from './verifier-turns.ts';
import type { UnendedCall } from './worker-stats.ts';

/** The two clocks: the wall in milliseconds since the epoch, and one that never steps. */
export interface Clock {
  wall(): number;
  monotonic(): number;
}

/** Counts of rare things, by metric labels; sent to the main thread with the records. */
export interface RareCounts {
  rejection(receiver: string, reason: string): void;
  refusal(code: string): void;
  attempt(result: string): void;
  webhook(namespace: string, subscription: string, result: string): void;
  silence(reason: string): void;
  /** A delivery id came with another body than before. */
  reuse(receiver: string): void;
}

export interface WorkerParts {
  readonly index: number;
  /** The policy in it is replaced while the process runs. */
  settings: RuntimeSettings;
  readonly clock: Clock;
  /** Calls back once after so many milliseconds; answers what stops it. */
  after(milliseconds: number, callback: () => void): () => void;
  every(milliseconds: number, callback: () => void): () => void;
  /** Something failed that is nobody's mistake: for the log of the installation. */
  report(message: string, error: unknown): void;
  readonly callIds: CallIds;
  readonly newCallId: () => string;
  readonly table: LiveTable;
  readonly engine: Engine<HostContext>;
  readonly store: ConnectedStore;
  readonly subscriptions: LiveSubscriptions;
  readonly outgoing: OutgoingState;
  readonly tombstones: Tombstones;
  readonly places: DeliveryPlaces;
  /** A place in the lease loop for a delivery that is being stored. */
  readonly reserve: LeaseLoop['reserve'];
  readonly waiting: WaitingCounts;
  readonly records: RecordBuffer;
  readonly catching: CatchingCalls;
  readonly counters: CallCounters;
  readonly rare: RareCounts;
  readonly reusedIds: ReusedIds;
  readonly inflight: Inflight;
  /** What did not end in its first turn. */
  readonly running: Roll<UnendedCall>;
  /** Leased deliveries that wait for the limits of their function or trigger. */
  readonly turns: Roll<OnRoll & { readonly lease: Lease }>;
  readonly keys: SharedKeys;
  readonly fanOut: FanOutRooms;
  readonly signals: ThreadSignals;
  /** Says of a call that runs alone after crashes when its Lua runs; absent: nobody asks for it. */
  readonly loneMark: ((running: boolean) => void) | undefined;
  readonly reading: ReadingBudget;
  readonly pending: PendingAppends;
  readonly unread: UnreadAnswers;
  readonly verifiers: VerifierTurns;
  clientAddress: ClientAddress;
  /** In a cluster: who may use the call listener; absent: the start-up token decides. */
  readonly callerReviews: CallerReviews | undefined;
  readonly verifyTools: Pick<VerifyTools, 'now'>;
  /** Key sets and certificates that receivers ask for. */
  readonly documents: Documents;
  readonly quarantine: ReadonlyMap<string, number>;
  readonly fault: InjectedFault | undefined;
  /** Port of the call listener: part of the Host it accepts. */
  callsPort: number;
  /** When the last HTTP request came that waits for a handler; monotonic. */
  lastSyncAt: number;
  /** HTTP requests begun and not answered. */
  openRequests: number;
  draining: boolean;
}
