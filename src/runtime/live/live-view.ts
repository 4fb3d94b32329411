/** What questions about a running runtime are answered from: its store, records, table and senders. */
import type { OpenBreaker } from '../../delivery/breakers.ts';
import type { ReplayJobs } from '../../delivery/replay-jobs.ts';
import type { SubscriptionHealth } from '../../delivery/subscription-health.ts';
import type { RouteTable } from '../../routing/types.ts';
import type { AppendItem, Store } from '../../store/store.ts';
import type { CallRecord } from '../call-record.ts';
import type { CaughtEvents } from '../caught-events.ts';
import type { Documents } from '../fetch-document.ts';
import type { RecordFilter } from '../record-filter.ts';
import type { Resting } from '../why-resting.ts';
import type { RunningCall } from '../worker-messages.ts';

/** Where health and breakers are known, and how a ping is sent. */
export interface SendingView {
  health(namespaceUid: string, name: string): Promise<SubscriptionHealth>;
  breakers(): Promise<readonly OpenBreaker[]>;
  append(item: AppendItem): Promise<void>;
  newId(): string;
}

export interface LiveView {
  table(): RouteTable;
  readonly store: Store;
  readonly replays: ReplayJobs;
  readonly sending: SendingView;
  /** Fetches what receivers need from elsewhere, for requests that are only explained. */
  readonly documents: Documents;
  /** The border of everything that is looked up: whatever has another UID is not there. */
  namespaceUid(namespace: string): string;
  /** Those that a question without a namespace is about. */
  namespaces(): readonly string[];
  findRecords(filter: RecordFilter): Promise<readonly CallRecord[]>;
  /** The oldest first. */
  runningCalls(): Promise<readonly RunningCall[]>;
  /** Why nothing of these destinations starts although it is due, and which leased deliveries wait for their turn. */
  resting(destinations: readonly string[]): Promise<Resting>;
  /** Events that somebody asked to see. */
  readonly caught: Pick<CaughtEvents, 'look' | 'end'>;
  /** Of a schedule trigger, by its destination: milliseconds since the epoch. */
  nextScheduleTime(destination: string): number | undefined;
  /** Calls back with every record from now on that the filter covers; answers how to stop. */
  followRecords(filter: RecordFilter, listener: (record: CallRecord) => void): () => void;
  /** Wall clock, milliseconds. */
  now(): number;
}
