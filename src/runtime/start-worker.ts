/** Composes a worker: engine, store connection, table, listeners; takes the main thread's messages. */
import { errorMessage } from '../failures/error-message.ts';
import { createBreakers } from '../delivery/breakers.ts';
import { createHealthBook } from '../delivery/subscription-health.ts';
import { createTombstones } from '../delivery/tombstones.ts';
import { FanOutRooms } from '../delivery/fan-out-room.ts';
import { systemClock } from '../link/system-clock.ts';
import { createHostEnvironment } from '../host/environment.ts';
import { createEngine } from '../lua/engine.ts';
import { Roll } from '../lua/roll.ts';
import { namespaceEgress } from '../policy/namespace-egress.ts';
import { createOutboundGuard } from '../policy/outbound.ts';
import { namedHosts } from '../policy/place-route.ts';
import { connectStore } from '../store/connect-store.ts';
import { openLoneMark } from '../store/lone-run.ts';
import { CallCounters } from '../telemetry/call-counters.ts';
import { applyToWorker, createApplyTools } from './apply-changes.ts';
import { answerAppend } from './cluster-events/answer-append.ts';
import { CallIds } from './call-ids.ts';
import { CatchingCalls } from './catch-in-worker.ts';
import { createCaller } from './call-function.ts';
import { createClientAddress, createProxyTest } from './client-address.ts';
import { createWaitingCounts } from './count-waiting.ts';
import { callSteps } from './handle-active-call.ts';
import { publicSteps } from './handle-request.ts';
import { createDocuments } from './fetch-document.ts';
import { createContexts } from './host-context.ts';
import { networkOf, wallClock } from './injected-world.ts';
import { connectStandIn } from './stand-in.ts';
import { HttpCall } from './http-call.ts';
import { createListener } from './listener-http.ts';
import { DeliveryPlaces } from '../delivery/delivery-places.ts';
import { drainWorker } from './drain-worker.ts';
import { onceAhead } from './once-ahead.ts';
import { createKubernetesDesk } from './kubernetes-desk.ts';
import { LiveSubscriptions } from './live-subscriptions.ts';
import { LiveTable } from './live-table.ts';
import { publishedDeliveries } from './match-event-triggers.ts';
import { createPermissions } from './outgoing-permissions.ts';
import { createRareCounts } from './rare-counts.ts';
import { ReusedIds } from './reused-ids.ts';
import { namespaceAllowance } from './namespace-allowance.ts';
import { PendingAppends } from './pending-appends.ts';
import { ReadingBudget } from './read-body.ts';
import { imagesOf } from './compiled-images.ts';
import { createCallerReviews, type ReviewVerdict } from './review-caller.ts';
import { recordBounds, RecordBuffer } from './record-buffer.ts';
import { takeProbe } from './send-admitted.ts';
import { createRecordSender } from './send-records.ts';
import { startStoredLoop } from './run-stored.ts';
import { SharedKeys } from './shared-keys.ts';
import { createStopReport, takeSteps, type Step } from './take-steps.ts';
import { tellNotReady } from './tell-not-ready.ts';
import { Inflight, ThreadSignals } from './thread-signals.ts';
import { UnreadAnswers } from './unread-answers.ts';
import { VerifierTurns } from './verifier-turns.ts';
import type { FromWorker, ToWorker, WorkerStart } from './worker-messages.ts';
import { restingOf } from './why-resting.ts';
import { statsOf } from './worker-stats.ts';
import type { WorkerParts } from './worker-parts.ts';

const flushMs = 50;

export interface RunningWorker {
  take(message: ToWorker): Promise<void>;
}

const clock = { wall: () => Date.now(), monotonic: () => performance.now() };

const { after, every } = systemClock;

export function startWorker(start: WorkerStart, send: (message: FromWorker) => void): RunningWorker {
  const { settings, index, workers } = start;
  const signals = new ThreadSignals(start.signals);
  let { policy } = settings;
  const hosts = new Set(namedHosts(policy));
  const table = new LiveTable(hosts);
  const store = connectStore(start.storePort, start.storeDurable);
  const callIds = new CallIds(start.bootPrefix);
  const newCallId = (): string => callIds.text(callIds.next());
  const rare = createRareCounts();
  const report = (message: string, error: unknown): void => {
    send({ kind: 'log', level: 'error', message, fields: { error: describe(error) } });
  };
  const engine = createEngine({
    module: start.module,
    environment: createHostEnvironment(),
    heartbeat: signals.cells,
    longMarks: new Int32Array(start.longMarks),
    allowance: (namespace) => namespaceAllowance(policy, namespace, workers),
    onDefect: (error, where) => report(`a defect in ${where.name}, call ${where.callId}`, error),
  });
  const quarantine = new Map<string, number>();
  const standIn = settings.standIn === undefined ? undefined : connectStandIn(settings.standIn, newCallId());
  const guard = standIn?.guard ?? createOutboundGuard(networkOf(settings.fault));
  const kubernetes = createKubernetesDesk(send);
  const contextFor = createContexts({
    store,
    guard,
    policy: () => policy,
    match: (event, room) => publishedDeliveries(parts, event, room),
    newId: newCallId,
    now: () => clock.monotonic(),
    callerFor: (entry) => createCaller(entry, () => parts),
    kubernetesFor: (uid) => standIn?.kubernetes ?? kubernetes.callerFor(uid),
  });
  const parts: WorkerParts = {
    index,
    settings,
    clock,
    after,
    every,
    report,
    callIds,
    newCallId,
    table,
    subscriptions: new LiveSubscriptions({ engine, contextFor }),
    outgoing: {
      breakers: createBreakers({
        store,
        now: () => clock.wall(),
        takeProbe: (key) => takeProbe(parts, key),
        share: (told) => send({ kind: 'breaker', told }),
      }),
      health: createHealthBook(store, () => clock.wall()),
      permissions: createPermissions(() => clock.wall()),
      lookAgainIn: onceAhead(
        () => clock.monotonic(),
        (milliseconds) => after(milliseconds, () => loop.poke()),
      ),
    },
    engine,
    store,
    reserve: (destination) => loop.reserve(destination),
    tombstones: createTombstones(
      store,
      settings.asynchronous.deletedMs,
      () => clock.wall(),
      (error) => report('what was deleted could not be looked up', error),
    ),
    waiting: createWaitingCounts(store, settings.asynchronous.waitingPerDestination, () => clock.monotonic()),
    records: new RecordBuffer({
      perFunction: settings.records.okPerFunction,
      ...recordBounds,
    }),
    catching: new CatchingCalls((event) => send({ kind: 'caught', event })),
    counters: new CallCounters(start.counters),
    rare,
    reusedIds: new ReusedIds(),
    places: new DeliveryPlaces(settings.asynchronous.running),
    inflight: new Inflight(start.inflight, workers, index),
    running: new Roll(),
    turns: new Roll(),
    keys: new SharedKeys(start.keys, workers, index),
    fanOut: new FanOutRooms(() => clock.monotonic()),
    signals,
    loneMark: start.loneRunPath === undefined ? undefined : openLoneMark(start.loneRunPath),
    reading: new ReadingBudget(settings.inbound.readingBytesPerAddress, settings.inbound.readingBytes),
    pending: new PendingAppends(settings.asynchronous, () => clock.monotonic()),
    unread: new UnreadAnswers(settings.inbound.unreadBytesPerAddress, settings.inbound.unreadBytes),
    verifiers: new VerifierTurns(),
    clientAddress: createClientAddress(settings.policy.trustedProxies),
    callerReviews: settings.callAudience === undefined ? undefined : callerReviews(settings.callAudience),
    verifyTools: { now: wallClock(settings.fault) },
    documents: createDocuments({
      guard,
      installationEgress: (namespace) => namespaceEgress(policy, namespace),
      now: () => clock.monotonic(),
    }),
    quarantine,
    fault: settings.fault,
    callsPort: 0,
    lastSyncAt: Number.NEGATIVE_INFINITY,
    openRequests: 0,
    draining: false,
  };
  const reviews = new Map<number, (verdict: ReviewVerdict) => void>();
  let nextReview = 1;
  function callerReviews(audience: string) {
    return createCallerReviews({
      audience,
      clock,
      ask: (question) =>
        new Promise((resolve) => {
          const id = nextReview++;
          reviews.set(id, resolve);
          send({ kind: 'review', id, question });
        }),
    });
  }
  const loading = createApplyTools(engine, contextFor);
  let isProxy = createProxyTest(settings.policy.trustedProxies);
  const proxyOf = (address: string): boolean => isProxy(address);
  const publicListener = createListener(settings.inbound, taker(parts, 'public', publicSteps), rare.refusal, proxyOf);
  const callListener = createListener(settings.inbound, taker(parts, 'calls', callSteps), rare.refusal, proxyOf);
  const loop = startStoredLoop(parts);
  const records = createRecordSender(parts.records, rare, send);

  every(Math.max(5, Math.min(100, settings.watchdog.silenceMs / 8)), () => signals.beat());
  every(flushMs, () => records.hurry());

  return {
    async take(message) {
      switch (message.kind) {
        case 'apply': {
          const acknowledgements = await applyToWorker(message.changes, parts, {
            ...loading,
            images: new Map(message.images.map((image) => [image.revision, image])),
          });
          if (message.version !== undefined) table.version = message.version;
          loop.poke();
          return send({ kind: 'applied', id: message.id, acknowledgements });
        }
        case 'images':
          return send({ kind: 'images', id: message.id, images: imagesOf(message.uids, parts) });
        case 'listen': {
          const publicPort = await publicListener.listen(settings.public.host, message.publicPort, start.reusePort);
          parts.callsPort = await callListener.listen(settings.calls.host, message.callsPort, start.reusePort);
          return send({ kind: 'listening', publicPort, callsPort: parts.callsPort });
        }
        case 'quarantine':
          quarantine.set(message.uid, message.until);
          return undefined;
        case 'breaker':
          return parts.outgoing.breakers.hear(message.told);
        case 'notReady':
          return await tellNotReady(message.notices, parts).catch((error: unknown) =>
            report('that functions are not ready could not be published', error),
          );
        case 'urgentTaken':
          return records.taken();
        case 'follow':
          parts.records.followed = message.on;
          return undefined;
        case 'catch':
          return parts.catching.set(message.uids);
        case 'policy': {
          ({ policy } = message);
          parts.settings = { ...parts.settings, policy };
          parts.clientAddress = createClientAddress(policy.trustedProxies);
          isProxy = createProxyTest(policy.trustedProxies);
          engine.renewAllowances();
          hosts.clear();
          for (const host of namedHosts(policy)) hosts.add(host);
          return undefined;
        }
        case 'reviewed':
          reviews.get(message.id)?.(message.verdict);
          reviews.delete(message.id);
          return undefined;
        case 'append': {
          const answer = await answerAppend(message.question, parts).catch((error: unknown) => ({
            failed: errorMessage(error),
          }));
          return send({ kind: 'appended', id: message.id, answer });
        }
        case 'kubernetesAnswered':
          return kubernetes.answered(message.id, message.answer);
        case 'flush':
          await records.sendAll(message.quiet);
          return send({ kind: 'flushed', id: message.id, batch: records.urgent() });
        case 'stats':
          return send({ kind: 'stats', id: message.id, stats: statsOf(parts) });
        case 'resting':
          return send({ kind: 'resting', id: message.id, resting: restingOf(message.destinations, parts) });
        case 'drain':
          await drainWorker(parts, loop, [publicListener, callListener], message.graceMs);
          await records.sendAll();
          send({ kind: 'batch', batch: records.urgent() });
          return send({ kind: 'drained' });
      }
    },
  };
}

function taker(parts: WorkerParts, listener: 'public' | 'calls', steps: readonly Step[]) {
  const report = createStopReport(parts.report, parts.clock.monotonic);
  return (request: HttpCall['request'], response: HttpCall['response']): void => {
    parts.openRequests += 1;
    const { clock: clocks, callIds: ids } = parts;
    const number = ids.next();
    const call = new HttpCall(
      ids.text(number),
      request,
      response,
      listener,
      parts.index,
      clocks.monotonic(),
      clocks.wall(),
    );
    call.numbered = ids;
    call.number = number;
    takeSteps(steps, call, parts, report);
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
