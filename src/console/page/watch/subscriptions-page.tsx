/** Subscriptions and how their receivers do: health, breaker, signing secrets by number, and a test event on demand. */
import { useState } from 'preact/hooks';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { formatWhen } from './format.ts';
import { hrefOf } from './hash-route.ts';
import { PageHeader } from './page-header.tsx';
import { useFresh } from './use-fresh.ts';
import { watchApi, type Subscription } from './watch-api.ts';

export interface SubscriptionsPageProps {
  readonly version: number;
}

export function SubscriptionsPage({ version }: SubscriptionsPageProps) {
  const { value, failure, again } = useFresh(() => watchApi.subscriptions(), '', version);
  return (
    <article class="page">
      <PageHeader title="Subscriptions" />
      {failure === undefined ? null : <p class="error">{failure.message}</p>}
      {value?.length === 0 ? <p class="hint empty">No subscriptions: nothing is sent to other systems.</p> : null}
      <ul class="cards" aria-label="Subscriptions">
        {(value ?? []).map((each) => (
          <SubscriptionCard key={`${each.namespace}/${each.name}`} subscription={each} onActed={again} />
        ))}
      </ul>
    </article>
  );
}

interface SubscriptionCardProps {
  readonly subscription: Subscription;
  onActed(): void;
}

function SubscriptionCard({ subscription, onActed }: SubscriptionCardProps) {
  const [pinging, setPinging] = useState(false);
  const [answer, setAnswer] = useState<{ readonly ok: boolean; readonly lines: readonly string[] }>();
  const [asked, setAsked] = useState(false);
  const [message, setMessage] = useState('');
  const { namespace, name, ready, reason, health, breaker, events, url } = subscription;
  const suspended = reason === 'Suspended';
  const ping = async (): Promise<void> => {
    setPinging(true);
    setMessage('');
    try {
      setAnswer(await watchApi.ping(namespace, name));
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
    setPinging(false);
    onActed();
  };
  const suspend = async (): Promise<void> => {
    setAsked(false);
    try {
      await watchApi.suspend('subscription', namespace, name, !suspended);
      setMessage(suspended ? 'Resumed.' : 'Suspended: events wait.');
    } catch (error) {
      setMessage(error instanceof Error ? error.message : String(error));
    }
    onActed();
  };
  return (
    <li class="card subscription">
      <header>
        <h2>
          whs/{namespace}/{name}
        </h2>
        <span class={`badge ready-${ready}`}>{reason}</span>
        <span class={`badge health-${health.state}`}>{healthWords[health.state] ?? health.state}</span>
        <span class={`badge breaker-${breaker}`}>
          breaker {breaker === 'HalfOpen' ? 'half open' : breaker.toLowerCase()}
        </span>
      </header>
      <dl>
        <dt>Events</dt>
        <dd>{events.join(', ')}</dd>
        <dt>To</dt>
        <dd>{url === '***' ? 'an address from a secret' : (url ?? '-')}</dd>
        <dt>Signed with</dt>
        <dd>{signingWords(subscription.signingSecrets)}</dd>
        <dt>Last success</dt>
        <dd>{health.lastSuccess === undefined ? 'none' : formatWhen(Date.parse(health.lastSuccess), Date.now())}</dd>
        {health.failingSince === undefined ? null : (
          <>
            <dt>Failing</dt>
            <dd class="error">
              since {formatWhen(Date.parse(health.failingSince), Date.now())}: {health.error}
            </dd>
          </>
        )}
        {health.switchedOff === undefined ? null : (
          <>
            <dt>Switched off</dt>
            <dd class="error">
              {formatWhen(Date.parse(health.switchedOff), Date.now())}: {health.reason}
            </dd>
          </>
        )}
      </dl>
      <div class="actions">
        <button type="button" disabled={pinging} onClick={() => void ping()}>
          {pinging ? 'Sending …' : 'Send a test event'}
        </button>
        <button type="button" onClick={() => setAsked(true)}>
          {suspended ? 'Resume' : 'Suspend'}
        </button>
        <a href={hrefOf('deliveries', [], { whose: `whs/${namespace}/${name}` })}>Deliveries</a>
        <a href={hrefOf('dead-letters', [], { whose: `whs/${namespace}/${name}` })}>Dead letters</a>
        <span role="status" class="hint">
          {message}
        </span>
      </div>
      {answer === undefined ? null : (
        <pre class={`lines${answer.ok ? '' : ' failed'}`} aria-label="Answer to the test event">
          {answer.lines.join('\n')}
        </pre>
      )}
      {asked ? (
        <ConfirmDialog
          title={`${suspended ? 'Resume' : 'Suspend'} whs/${namespace}/${name}?`}
          action={suspended ? 'Resume' : 'Suspend'}
          onConfirm={() => void suspend()}
          onCancel={() => setAsked(false)}
        >
          <p>
            {suspended
              ? 'What waits is sent from now on.'
              : 'Nothing is sent until it is resumed; events wait and are not lost.'}
          </p>
        </ConfirmDialog>
      ) : null}
    </li>
  );
}

const healthWords: Readonly<Record<string, string>> = {
  Healthy: 'healthy',
  Failing: 'failing',
  SwitchedOff: 'switched off',
  Unknown: 'nothing sent yet',
};

function signingWords(count: number | undefined): string {
  if (count === undefined) return '-';
  if (count === 0) return 'no secret that resolves';
  return count === 1
    ? '1 secret'
    : `${count} secrets: a rotation is under way, each request carries ${count} signatures`;
}
