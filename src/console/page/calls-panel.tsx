/** Recent calls of a function, the newest first; one opened tells what it did. */
import { useEffect, useState } from 'preact/hooks';
import { api } from './api.ts';
import type { PlainCall } from './plain-call.ts';
import { TimeLine } from './time-line.tsx';

export interface CallsPanelProps {
  readonly namespace: string;
  readonly name: string;
  /** Grows when something changed. */
  readonly version: number;
}

export function CallsPanel({ namespace, name, version }: CallsPanelProps) {
  const [calls, setCalls] = useState<readonly PlainCall[]>();
  const [open, setOpen] = useState<string>();
  useEffect(() => {
    let current = true;
    api.calls(namespace, name).then(
      (found) => {
        if (current) setCalls(found);
      },
      // The page says above that nobody answers.
      () => {},
    );
    return () => {
      current = false;
    };
  }, [namespace, name, version]);
  if (calls === undefined) return null;
  if (calls.length === 0) return <p class="hint">No calls yet.</p>;
  return (
    <table class="calls" aria-label="Calls">
      <thead>
        <tr>
          <th>Time</th>
          <th>Outcome</th>
          <th>Trigger</th>
          <th>Event</th>
          <th>Took</th>
          <th>Call</th>
        </tr>
      </thead>
      <tbody>
        {calls.map((call) => (
          <>
            <tr key={call.callId}>
              <td>{new Date(call.time).toLocaleTimeString()}</td>
              <td class={call.outcome === 'ok' || call.outcome === 'accepted' ? 'state-True' : 'state-False'}>
                {call.outcome} {call.status ?? ''}
              </td>
              <td>{call.trigger ?? '-'}</td>
              <td>{call.eventName ?? '-'}</td>
              <td>{call.durationMs.toFixed(1)} ms</td>
              <td>
                <button
                  type="button"
                  aria-expanded={open === call.callId}
                  onClick={() => setOpen(open === call.callId ? undefined : call.callId)}
                >
                  {call.callId}
                </button>
              </td>
            </tr>
            {open === call.callId ? (
              <tr key={`${call.callId} story`}>
                <td colSpan={6}>
                  {call.error?.message === undefined ? null : <p class="error">{call.error.message}</p>}
                  <TimeLine call={call} />
                </td>
              </tr>
            ) : null}
          </>
        ))}
      </tbody>
    </table>
  );
}
