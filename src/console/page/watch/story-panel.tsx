/** The story of a call, an event or a delivery beside the list it was opened from, and what can be done about it. */
import { useEffect, useRef } from 'preact/hooks';
import { TimeLine } from '../time-line.tsx';
import { ActButtons } from './act-buttons.tsx';
import { formatMs } from './format.ts';
import { hrefOf } from './hash-route.ts';
import { useFresh } from './use-fresh.ts';
import { describeTo, watchApi, type Delivery, type StoryCall } from './watch-api.ts';

export interface StoryPanelProps {
  /** Undefined: of all. */
  readonly namespace: string | undefined;
  readonly id: string;
  readonly version: number;
  onClose(): void;
}

export function StoryPanel({ namespace, id, version, onClose }: StoryPanelProps) {
  const story = useFresh(() => watchApi.explain(namespace, id), `${namespace ?? ''} ${id}`, version);
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), [id]);
  const { value, failure } = story;
  return (
    <aside
      class="story"
      aria-label="Story"
      onKeyDown={(event) => {
        if (event.key === 'Escape') onClose();
      }}
    >
      <header>
        <h2 ref={heading} tabIndex={-1}>
          {id}
        </h2>
        <button type="button" class="quiet" onClick={onClose}>
          Close
        </button>
      </header>
      {failure === undefined ? null : <p class="error">{failure.message}</p>}
      {value === undefined ? null : (
        <>
          {value.deliveries.map((delivery) => (
            <DeliveryCard key={delivery.metadata.name} delivery={delivery} onActed={story.again} />
          ))}
          <h3>What happened</h3>
          <pre class="lines">{value.lines.join('\n')}</pre>
          {value.calls.map((call) => (
            <CallDetails key={call.callId} call={call} />
          ))}
        </>
      )}
    </aside>
  );
}

function DeliveryCard({ delivery, onActed }: { readonly delivery: Delivery; onActed(): void }) {
  const { metadata, to, state, attempts, error, reason, waitsFor, replayedAs } = delivery;
  return (
    <section class="card" aria-label={`Delivery ${metadata.name}`}>
      <p>
        <strong>{metadata.name}</strong> to {describeTo(metadata.namespace, to)}{' '}
        <span class={`badge state-${state}`}>{state}</span>
      </p>
      <p class="hint">
        {attempts === 1 ? '1 attempt' : `${attempts} attempts`}
        {waitsFor === undefined ? '' : `, waits: ${waitsFor}`}
        {replayedAs === undefined ? '' : `, run again as ${replayedAs}`}
      </p>
      {error === undefined ? null : (
        <p class="error">
          {reason === undefined ? '' : `${reason}: `}
          {error}
        </p>
      )}
      <ActButtons delivery={delivery} onActed={onActed} />
    </section>
  );
}

function CallDetails({ call }: { readonly call: StoryCall }) {
  const { namespace, functionName } = call as StoryCall & {
    readonly namespace?: string;
    readonly functionName?: string;
  };
  const headers = call.captured?.headers ?? [];
  return (
    <section class="card" aria-label={`Call ${call.callId}`}>
      <p>
        <strong>{call.callId}</strong> <span class={`badge outcome-${call.outcome}`}>{call.outcome}</span>{' '}
        <span class="hint">
          {formatMs(call.durationMs)}
          {call.cpuMs === undefined ? '' : `, ${formatMs(call.cpuMs)} CPU`}
        </span>{' '}
        {namespace === undefined || functionName === undefined ? null : (
          <a href={hrefOf('functions', [namespace, functionName])}>
            {namespace}/{functionName}
          </a>
        )}
      </p>
      {call.error?.message === undefined ? null : <p class="error">{call.error.message}</p>}
      <TimeLine call={call} />
      {headers.length === 0 ? null : (
        <details>
          <summary>Headers of the refused request</summary>
          <pre>{headers.map(([name, value]) => `${name}: ${value}`).join('\n')}</pre>
        </details>
      )}
    </section>
  );
}
