/** Real events of a function: those that are stored, and those that come in while somebody asks to catch them. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Sample } from '../../console-source.ts';
import { api } from '../api.ts';

export interface PastSamples {
  readonly samples: readonly Sample[];
  /** Those that came since it was asked to catch them, stored or not; the newest first. */
  readonly caught: readonly Sample[];
  /** Those whose bodies are no text, which an editor cannot show. */
  readonly binary: number;
  readonly catching: boolean;
  readonly message: string;
  /** Asks again: something may have come. */
  look(): void;
  toggle(): void;
}

/** While requests are caught. */
const lookMs = 1_000;

export function usePastEvents(namespace: string, name: string): PastSamples {
  const [found, setFound] = useState<{ readonly samples: readonly Sample[]; readonly binary: number }>({
    samples: [],
    binary: 0,
  });
  const [catching, setCatching] = useState(false);
  const latest = useRef(catching);
  latest.current = catching;
  const [message, setMessage] = useState('');
  const leaving = useRef<AbortController>(undefined);
  /** What was there when it was asked to catch more. */
  const before = useRef<ReadonlySet<string>>(new Set());

  const ask = async (wish: boolean | undefined): Promise<void> => {
    try {
      const answer = await api.pastEvents(namespace, name, wish, leaving.current?.signal);
      if (answer.kind === 'refused') {
        setMessage(answer.message);
        setCatching(false);
        return;
      }
      setMessage(wish === true && !answer.catching ? 'Others catch requests already: try again in a while.' : '');
      if (wish === true && answer.catching && !latest.current) {
        before.current = new Set(answer.events.map(({ id }) => id));
      }
      if (wish !== undefined) setCatching(answer.catching);
      const samples = answer.events.map((past): Sample => {
        const { trigger, method, target } = past;
        return {
          kind: 'past',
          event: past.name,
          body: past.body,
          past,
          ...(trigger === undefined ? {} : { trigger }),
          ...(target === undefined ? {} : { path: target }),
          ...(method === undefined ? {} : { method }),
        };
      });
      setFound({ samples, binary: answer.binary });
    } catch (error) {
      if (leaving.current?.signal.aborted !== true) setMessage(error instanceof Error ? error.message : String(error));
    }
  };

  useEffect(() => {
    leaving.current = new AbortController();
    void ask(undefined);
    return () => leaving.current?.abort();
  }, [namespace, name]);

  useEffect(() => {
    if (!catching) return undefined;
    let waiting = false;
    const timer = setInterval(() => {
      // One question at a time: a slow answer is not overtaken.
      if (waiting) return;
      waiting = true;
      void ask(true).finally(() => (waiting = false));
    }, lookMs);
    return () => clearInterval(timer);
  }, [namespace, name, catching]);

  useEffect(() => {
    if (!catching) return undefined;
    // Left without a word, it ends by itself half a minute later.
    const end = (): void => void api.pastEvents(namespace, name, false).catch(() => undefined);
    addEventListener('pagehide', end);
    return () => {
      removeEventListener('pagehide', end);
      end();
    };
  }, [namespace, name, catching]);

  return {
    ...found,
    caught: catching ? found.samples.filter(({ past }) => past !== undefined && !before.current.has(past.id)) : [],
    catching,
    message,
    look: () => void ask(catching ? true : undefined),
    toggle: () => (catching ? setCatching(false) : void ask(true)),
  };
}
