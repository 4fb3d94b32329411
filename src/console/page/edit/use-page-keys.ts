/** Ctrl-S and Ctrl-Enter wherever the focus is on the page of a function: in the form, in the fields of a try, nowhere. */
import { useEffect, useRef } from 'preact/hooks';
import type { RefObject } from 'preact';

export interface PageKeys {
  save(): void;
  attempt(): void;
}

/** Answers what is to refer to the page: keys count while it is shown. */
export function usePageKeys(keys: PageKeys): RefObject<HTMLElement | null> {
  const place = useRef<HTMLElement>(null);
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      // Editors have these keys of their own.
      if (event.defaultPrevented || !(event.ctrlKey || event.metaKey) || !place.current?.checkVisibility()) return;
      if (event.key.toLowerCase() === 's' && !event.shiftKey) latest.current.save();
      else if (event.key === 'Enter') latest.current.attempt();
      else return;
      event.preventDefault();
    };
    document.addEventListener('keydown', press);
    return () => document.removeEventListener('keydown', press);
  }, []);
  return place;
}
