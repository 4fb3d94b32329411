/** A runtime that publishes what it is told and may send to a receiver on loopback. */
import { localPolicy } from '../../src/policy/installation-policy.ts';
import type { RuntimeSettings } from '../../src/settings/runtime-settings.ts';
import { serveFunctions, type FunctionUnderTest, type Secrets, type ServedFunctions } from './serve-functions.ts';
import { startReceiver, type WebhookReceiver } from './webhook-receiver.ts';

export const firstSecret = `whsec_${Buffer.from('the first secret of the tests').toString('base64')}`;
export const secondSecret = `whsec_${Buffer.from('the second secret of the tests').toString('base64')}`;
/** Text that is no `whsec_`: its own bytes are the key. */
export const plainSecret = 'a secret made elsewhere, of plain text';
export const secretRefs = [{ name: 'signing', key: 'first' }];

export interface WebhookBench {
  readonly served: ServedFunctions;
  readonly receiver: WebhookReceiver;
  /** Publishes from a function of `team-a`; answers the event's id. */
  publish(type: string, data: unknown, channel?: string): Promise<string>;
  close(): Promise<void>;
}

export async function startWebhookBench(
  options: {
    readonly functions?: readonly FunctionUnderTest[];
    readonly secrets?: (receiver: WebhookReceiver) => Secrets;
    readonly settings?: Partial<RuntimeSettings>;
    /** Default: loopback. */
    readonly grants?: readonly string[];
  } = {},
): Promise<WebhookBench> {
  const receiver = await startReceiver();
  const { egress } = localPolicy('http://127.0.0.1:1', options.grants ?? ['127.0.0.1']);
  const served = await serveFunctions({
    policy: { egress },
    ...(options.settings === undefined ? {} : { settings: options.settings }),
    secrets: {
      'signing/first': firstSecret,
      'signing/second': secondSecret,
      'signing/plain': plainSecret,
      ...options.secrets?.(receiver),
    },
    functions: [
      {
        name: 'shop',
        namespace: 'team-a',
        code: `return { call = function(event)
          local d = event.data
          return { id = assert(events.publish(d.type, d.data, { channel = d.channel })) }
        end }`,
      },
      ...(options.functions ?? []),
    ],
  });
  return {
    served,
    receiver,
    async publish(type, data, channel) {
      const response = await served.call('/function/team-a/shop', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ type, data, channel }),
      });
      const text = await response.text();
      if (!response.ok) throw new Error(`publishing answered ${response.status}: ${text}`);
      return (JSON.parse(text) as { readonly id: string }).id;
    },
    async close() {
      await served.close();
      await receiver.close();
    },
  };
}
