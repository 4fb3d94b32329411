/** Sends a subscription a test event and waits for what becomes of it. */
import { formatOutgoing } from '../../delivery/outgoing-destination.ts';
import type { SubscriptionEntry } from '../../routing/subscription-entry.ts';
import type { CallRecord } from '../call-record.ts';
import { pingType } from '../run-webhook.ts';
import { tellStories } from '../tell-story.ts';
import type { LiveAnswer } from '../../link/live-questions.ts';
import type { LiveView } from './live-view.ts';
import { toPlainRecord } from './plain-record.ts';

const pingWaitMs = 75_000;

/** Signed, past filter and transform, once; answers its story. */
export async function sendPing(
  view: LiveView,
  { namespace, namespaceUid, name }: SubscriptionEntry,
  waitMs = pingWaitMs,
): Promise<LiveAnswer> {
  const id = view.sending.newId();
  const { promise, resolve } = Promise.withResolvers<CallRecord | undefined>();
  const stop = view.followRecords({ id }, resolve);
  const late = setTimeout(() => resolve(undefined), waitMs);
  try {
    await view.sending.append({
      event: {
        id,
        namespaceUid,
        type: pingType,
        source: `/${namespace}/${name}`,
        time: view.now(),
        attributes: JSON.stringify({ name: 'ping', subject: name }),
        body: Buffer.from(JSON.stringify({ subscription: name, namespace })),
      },
      deliveries: [{ destination: formatOutgoing({ namespaceUid, kind: 'subscription', name }) }],
    });
    const record = await promise;
    if (record === undefined) return { status: 400, message: `no attempt within ${waitMs / 1000} s` };
    return {
      status: 200,
      body: { ok: record.outcome === 'ok', call: toPlainRecord(record), lines: tellStories([record]) },
    };
  } finally {
    clearTimeout(late);
    stop();
  }
}
