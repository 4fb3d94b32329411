/** The events that a draft may be tried on, and the one that is chosen. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Draft, Sample } from '../../console-source.ts';
import { api } from '../api.ts';
import { keyOf } from './try-setting.ts';
import { usePastEvents, type PastSamples } from './use-past-events.ts';

/** Samples are asked for anew when typing rests for so long. */
const restMs = 400;

export interface Samples {
  /** With the chosen one, also where it is forgotten elsewhere. */
  readonly all: readonly Sample[];
  /** Absent: there is none yet. */
  readonly sample?: Sample;
  /** Of the chosen one; empty: there is none. */
  readonly key: string;
  readonly past: PastSamples;
  choose(key: string): void;
}

export function useSamples(
  namespace: string,
  name: string,
  draft: Draft,
  onFailure: (message: string) => void,
): Samples {
  const [samples, setSamples] = useState<readonly Sample[]>([]);
  const [chosen, choose] = useState('');
  useEffect(() => {
    const leaving = new AbortController();
    const timer = setTimeout(
      () => {
        api.samples(namespace, name, draft, leaving.signal).then(
          (found) => {
            // A text that is no YAML has none: those from before stay.
            if (found.length > 0) setSamples(found);
          },
          (error: Error) => {
            if (!leaving.signal.aborted) onFailure(error.message);
          },
        );
      },
      samples.length === 0 ? 0 : restMs,
    );
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [namespace, name, draft.yaml]);

  const past = usePastEvents(namespace, name);
  // The first that is caught is what was waited for; what comes after it is there to choose.
  const [first] = past.caught.slice(-1);
  const arrived = first === undefined ? '' : keyOf(first);
  useEffect(() => {
    if (arrived !== '') choose(arrived);
  }, [arrived !== '']);
  // One that was chosen stays when it is forgotten elsewhere.
  const held = useRef<Sample>(undefined);
  const known = [...samples, ...past.samples];
  const sample =
    known.find((each) => keyOf(each) === chosen) ?? (chosen === '' ? undefined : held.current) ?? samples[0];
  held.current = sample;
  const key = sample === undefined ? '' : keyOf(sample);
  const all = sample === undefined || known.some((each) => keyOf(each) === key) ? known : [...known, sample];
  return { all, ...(sample === undefined ? {} : { sample }), key, past, choose };
}
