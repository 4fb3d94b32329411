/** An answer of the program, asked anew when something changed, never twice at once and never in a flood. */
import { useEffect, useRef, useState } from 'preact/hooks';

/** Between two questions of one panel. */
const pauseMs = 300;

export interface Fresh<Value> {
  /** The last answer: it stays while a newer one is on its way. */
  readonly value: Value | undefined;
  /** Why there is none, or none newer. */
  readonly failure: Error | undefined;
  /** Asks again at once. */
  again(): void;
}

/** `key`: what is asked for, another one drops the answer; `version`: grows when it may have changed. */
export function useFresh<Value>(
  read: (signal: AbortSignal) => Promise<Value>,
  key: string,
  version: number,
): Fresh<Value> {
  const [answer, setAnswer] = useState<{ readonly key: string; readonly value?: Value; readonly failure?: Error }>({
    key,
  });
  const [asked, setAsked] = useState(0);
  const latest = useRef(read);
  latest.current = read;
  const state = useRef<{ running: boolean; again: boolean; endedAt: number }>({
    running: false,
    again: false,
    endedAt: -pauseMs,
  });
  const leaving = useRef<AbortController>(undefined);

  useEffect(() => {
    const controller = new AbortController();
    leaving.current = controller;
    state.current = { running: false, again: false, endedAt: -pauseMs };
    return () => {
      controller.abort();
    };
  }, [key]);

  useEffect(() => {
    const controller = leaving.current;
    const own = state.current;
    if (controller === undefined || controller.signal.aborted) return;
    if (own.running) {
      own.again = true;
      return;
    }
    const turn = async (): Promise<void> => {
      own.running = true;
      do {
        own.again = false;
        const wait = own.endedAt + pauseMs - performance.now();
        if (wait > 0) await new Promise((resume) => setTimeout(resume, wait));
        if (controller.signal.aborted) return;
        try {
          const value = await latest.current(controller.signal);
          if (!controller.signal.aborted) setAnswer({ key, value });
        } catch (error) {
          if (controller.signal.aborted) return;
          const failure = error instanceof Error ? error : new Error(String(error));
          setAnswer((before) => (before.key === key ? { ...before, failure } : { key, failure }));
        }
        own.endedAt = performance.now();
      } while (own.again && !controller.signal.aborted);
      own.running = false;
    };
    void turn();
  }, [key, version, asked]);

  const current = answer.key === key ? answer : undefined;
  return {
    value: current?.value,
    failure: current?.failure,
    again: () => setAsked((before) => before + 1),
  };
}
