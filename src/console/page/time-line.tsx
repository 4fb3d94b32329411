/** What a call did and when: host calls as bars over its duration, log lines between them. */
import type { PlainCall } from './plain-call.ts';

export function TimeLine({ call }: { readonly call: PlainCall }) {
  const total = Math.max(call.durationMs, 0.001);
  const steps = [
    ...(call.hostCalls ?? []).map((each) => ({
      at: each.startMs,
      lasts: each.durationMs,
      text: [each.name, each.summary].filter((part) => part !== undefined).join(' '),
      kind: each.ok === false ? 'error' : 'host',
    })),
    ...(call.log ?? []).map(({ at, level, message }) => ({ at, lasts: 0, text: message, kind: level })),
  ].toSorted((one, other) => one.at - other.at);
  if (steps.length === 0) return null;
  return (
    <ol class="time-line" aria-label="What it did">
      {steps.map(({ at, lasts, text, kind }, index) => (
        <li key={index} class={kind}>
          <span class="bar" aria-hidden="true">
            <i
              style={{
                left: `${Math.min((at / total) * 100, 100)}%`,
                width: `max(2px, ${Math.min((lasts / total) * 100, 100)}%)`,
              }}
            />
          </span>
          <span class="at">{at.toFixed(1)} ms</span>
          <span class="what">{text}</span>
        </li>
      ))}
    </ol>
  );
}
