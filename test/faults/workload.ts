/** The functions that run while things break: each call tells the recorder, writes, counts and publishes. */
import type { FunctionUnderTest, Secrets, SubscriptionUnderTest } from '../builders/serve-functions.ts';
import type { FaultyRuntime } from './start-runtime.ts';

export const signingSecret: Secrets = {
  'signing/first': `whsec_${Buffer.from('a secret of the fault tests').toString('base64')}`,
};

/** An attempt that fails is tried again after this, never earlier. */
export const retryMs = 200;
export const maxAttempts = 4;
/** Calls of the trigger at once, over all processes. */
export const concurrency = 16;
export const namespaceUid = 'ns-default';
export const keySpace = { namespaceUid, space: 'orders' };
export const stateSpace = { namespaceUid, space: 'states' };

/**
 * An order is taken: its key, one more run, one event for the webhook and for `taken`; all of that lands with the settle
 * or not at all. What it tells the recorder happens at once, once per attempt.
 */
export function ordersFunction({ name, recorder }: FaultyRuntime): FunctionUnderTest {
  return {
    name: 'orders',
    code: `
      local function tell(what, event)
        http.post("${recorder}/" .. what, { timeout = 60, query = { id = event.data.id, attempt = event.attempt, process = "${name}" } })
      end
      return {
        take = function(event)
          tell("start", event)
          if event.data.fail >= event.attempt then
            tell("end", event)
            error("not yet")
          end
          kv.incr("runs")
          kv.set("order/" .. event.data.id, true)
          events.publish("orders.taken", { id = event.data.id })
          tell("end", event)
        end,
        taken = function(event)
          kv.incr("children")
          kv.set("child/" .. event.data.id, true)
        end,
      }`,
    // Nothing is to end because the machine is busy.
    limits: { timeout: '120s' },
    retry: { schedule: [`${retryMs}ms`, `${retryMs}ms`, `${retryMs}ms`] },
    triggers: [
      {
        name: 'take',
        http: {
          path: 'take',
          methods: ['POST'],
          mode: 'async',
          receiver: { open: {} },
          dedup: { key: 'event.data.id' },
          concurrency: { limit: concurrency },
        },
      },
      { name: 'taken', event: { type: 'orders.taken' } },
    ],
  };
}

export function ordersSubscription({ recorder }: FaultyRuntime): SubscriptionUnderTest {
  return {
    name: 'hook',
    url: `${recorder}/hook`,
    secretRefs: [{ name: 'signing', key: 'first' }],
    events: ['orders.taken'],
    timeout: '1s',
    retry: { schedule: Array.from({ length: 18 }, () => '200ms') },
  };
}

/**
 * States of objects, one after the other: the newest takes the place of those that wait. Each call also tries to take a
 * claim that calls of other objects want, too, and says so if it was the one.
 */
export function statesFunction({ recorder }: FaultyRuntime): FunctionUnderTest {
  return {
    name: 'states',
    code: `
      local function tell(id, event)
        http.post("${recorder}/start", { timeout = 60, query = { id = id, attempt = event.attempt, process = event.id } })
      end
      return {
        state = function(event)
          local d = event.data
          tell("state " .. d.object .. " " .. string.format("%d", d.version), event)
          if kv.add("claim/" .. d.claim, event.id) then tell("claim " .. d.claim, event) end
          kv.set("state/" .. d.object, d.version)
        end,
      }`,
    limits: { timeout: '120s' },
    triggers: [
      {
        name: 'state',
        http: {
          path: 'state',
          methods: ['POST'],
          mode: 'async',
          receiver: { open: {} },
          debounce: { key: 'event.data.object', wait: '20ms', maxWait: '100ms' },
        },
      },
    ],
  };
}
