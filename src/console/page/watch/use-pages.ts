/** Rows of a long list, read a page at a time where somebody looks; the program filters and counts. */
import { useEffect, useRef, useState } from 'preact/hooks';

const pageRows = 100;
/** Between two readings of a page that is there already. */
const pauseMs = 300;

export interface PageOfRows<Row> {
  readonly total: number;
  readonly rows: readonly Row[];
}

export interface Pages<Row> {
  /** Undefined until the first page is there. */
  readonly total: number | undefined;
  /** Undefined: not read yet. */
  row(index: number): Row | undefined;
  /** Says what is looked at; what is missing there is read. */
  show(first: number, last: number): void;
  readonly failure: Error | undefined;
}

/** What is held of one filter. */
interface Shelf<Row> {
  readonly key: string;
  readonly leaving: AbortController;
  readonly pages: Map<number, { readonly version: number; readonly rows: readonly Row[] }>;
  total?: number;
  failure?: Error | undefined;
  running: boolean;
  readAt: number;
}

/** `key`: the filter, another one begins anew; `version`: grows when rows may have changed, what is looked at is read again. */
export function usePages<Row>(
  read: (offset: number, limit: number, signal: AbortSignal) => Promise<PageOfRows<Row>>,
  key: string,
  version: number,
): Pages<Row> {
  const [, draw] = useState(0);
  const [looked, setLooked] = useState({ from: 0, to: 0 });
  const shelf = useRef<Shelf<Row>>(undefined);
  if (shelf.current?.key !== key) {
    shelf.current?.leaving.abort();
    shelf.current = { key, leaving: new AbortController(), pages: new Map(), running: false, readAt: -pauseMs };
  }
  const wish = useRef({ read, version, looked });
  wish.current = { read, version, looked };
  useEffect(() => () => shelf.current?.leaving.abort(), []);

  useEffect(() => {
    const own = shelf.current;
    if (own === undefined || own.running) return;
    own.running = true;
    void fill(own, () => wish.current).then(() => {
      own.running = false;
      return undefined;
    });
  }, [key, version, looked.from, looked.to]);

  /** Reads until what is looked at is of the newest version. */
  async function fill(own: Shelf<Row>, wished: () => typeof wish.current): Promise<void> {
    const { signal } = own.leaving;
    while (!signal.aborted) {
      const { version: wanted, looked: range } = wished();
      const page = nextPage(own, wanted, range);
      if (page === undefined) return;
      if (own.pages.has(page)) {
        const wait = own.readAt + pauseMs - performance.now();
        if (wait > 0) await new Promise((resume) => setTimeout(resume, wait));
      }
      try {
        const { total, rows } = await wished().read(page * pageRows, pageRows, signal);
        own.total = total;
        own.pages.set(page, { version: wanted, rows });
        own.failure = undefined;
      } catch (error) {
        if (signal.aborted) return;
        own.failure = error instanceof Error ? error : new Error(String(error));
        draw((before) => before + 1);
        return;
      }
      own.readAt = performance.now();
      draw((before) => before + 1);
    }
  }

  const { total, failure, pages } = shelf.current;
  return {
    total,
    failure,
    row: (index) => pages.get(Math.floor(index / pageRows))?.rows[index % pageRows],
    show: (first, last) => {
      const [from, to] = [Math.floor(first / pageRows), Math.floor(last / pageRows)];
      setLooked((before) => (before.from === from && before.to === to ? before : { from, to }));
    },
  };
}

function nextPage<Row>(
  { pages, total }: Shelf<Row>,
  version: number,
  { from, to }: { readonly from: number; readonly to: number },
): number | undefined {
  for (let page = from; page <= to; page += 1) {
    const exists = page === 0 || total === undefined || page * pageRows < total;
    if (exists && pages.get(page)?.version !== version) return page;
  }
  // A list that became shorter is counted from its first page.
  return total === undefined && pages.get(0)?.version !== version ? 0 : undefined;
}
