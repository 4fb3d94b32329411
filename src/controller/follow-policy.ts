/** The installation's policy, read again when its file changes: a bad edit is told and the last good one stays. */
import type { InstallationPolicy } from '../policy/installation-policy.ts';
import type { Clock } from './clock.ts';

export interface FollowedPolicy {
  current(): InstallationPolicy;
  /** Whether the text that was read last has mistakes, so that an earlier one is in force. */
  refused(): boolean;
}

/** Files of a ConfigMap are replaced by the kubelet within about a minute; looking costs next to nothing. */
const everyMs = 2_000;

type Reading =
  | { readonly ok: true; readonly text: string; readonly policy: InstallationPolicy }
  | { readonly ok: false; readonly text: string; readonly mistakes: readonly string[] };

/** `first` is in force until the file says otherwise. */
export function followPolicy(options: {
  readonly first: { readonly text: string; readonly policy: InstallationPolicy };
  read(): Reading;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  onChange(): void;
  onMistakes(mistakes: readonly string[]): void;
}): FollowedPolicy {
  const { first, read, clock, signal, onChange, onMistakes } = options;
  let { text, policy } = first;
  let refused = false;

  async function follow(): Promise<void> {
    for (;;) {
      await clock.sleep(everyMs, signal);
      if (signal.aborted) return;
      const reading = read();
      if (reading.text === text) continue;
      text = reading.text;
      refused = !reading.ok;
      if (reading.ok) {
        policy = reading.policy;
        onChange();
      } else onMistakes(reading.mistakes);
    }
  }
  void follow();
  return { current: () => policy, refused: () => refused };
}
