/** A long list of which only the rows in sight exist: 10,000 rows cost as much as forty. Arrow keys walk along it. */
import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

/** Rows beyond the edges: a scroll finds them drawn. */
const spare = 10;

export interface RowProps {
  readonly class?: string;
  readonly style?: Readonly<Record<string, string>>;
  onClick?(event: MouseEvent): void;
}

export interface VirtualRowsProps {
  readonly count: number;
  /** Pixels; every row has this height. */
  readonly rowHeight: number;
  readonly label: string;
  /** `table`: rows are rows of a table, the header is the row before. */
  readonly role: 'list' | 'table';
  readonly columns?: number;
  /** The row of titles; stays in sight. */
  readonly header?: ComponentChildren;
  row(index: number): ComponentChildren;
  /** Of the element of a row. */
  rowProps?(index: number): RowProps;
  /** Rows put above since the list began. */
  readonly prepended?: number;
  /** Told what is in sight. */
  onShow?(first: number, last: number): void;
  /** Stands below the rows. */
  readonly footer?: ComponentChildren;
}

export function VirtualRows(props: VirtualRowsProps) {
  const { count, rowHeight, label, role, columns, header, row, rowProps, onShow, footer } = props;
  const { prepended = 0 } = props;
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  /** The row that takes the focus when it is drawn. */
  const wanted = useRef<number>(undefined);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const seen = new ResizeObserver(() => setHeight(element.clientHeight));
    seen.observe(element);
    return () => {
      seen.disconnect();
    };
  }, []);

  const first = Math.max(0, Math.min(Math.floor(top / rowHeight) - spare, Math.max(0, count - 1)));
  const last = Math.max(first, Math.min(count, Math.ceil((top + height) / rowHeight) + spare) - 1);
  useEffect(() => {
    onShow?.(first, Math.max(first, last));
  }, [first, last]);
  useLayoutEffect(() => {
    if (wanted.current === undefined) return;
    const target = focusable(box.current, wanted.current);
    if (target === undefined) return;
    wanted.current = undefined;
    target.focus({ preventScroll: true });
  });

  const above = useRef(prepended);
  useLayoutEffect(() => {
    const added = prepended - above.current;
    above.current = prepended;
    const element = box.current;
    // Who reads further down stays at the rows he reads.
    if (element !== null && added > 0 && element.scrollTop > rowHeight) {
      element.scrollTop += added * rowHeight;
      setTop(element.scrollTop);
    }
  }, [prepended]);

  const walk = (event: KeyboardEvent): void => {
    const from = Number((event.target as HTMLElement).closest<HTMLElement>('[data-index]')?.dataset['index']);
    const to = { ArrowDown: from + 1, ArrowUp: from - 1, Home: 0, End: count - 1 }[event.key];
    const typing = event.target instanceof HTMLInputElement && event.target.type !== 'checkbox';
    if (to === undefined || Number.isNaN(from) || to < 0 || to >= count || typing) return;
    event.preventDefault();
    const element = box.current;
    if (element === null) return;
    const bottom = (element.querySelector<HTMLElement>('.rows-header')?.offsetHeight ?? 0) + to * rowHeight;
    if (to * rowHeight < element.scrollTop) element.scrollTop = to * rowHeight;
    else if (bottom + rowHeight > element.scrollTop + element.clientHeight) {
      element.scrollTop = bottom + rowHeight - element.clientHeight;
    }
    wanted.current = to;
    focusable(element, to)?.focus({ preventScroll: true });
    setTop(element.scrollTop);
  };

  const indexes = count === 0 ? [] : Array.from({ length: last - first + 1 }, (_, offset) => first + offset);
  const table = role === 'table';
  return (
    <div
      ref={box}
      class="virtual"
      role={role}
      aria-label={label}
      {...(table ? { 'aria-rowcount': count + 1, 'aria-colcount': columns } : {})}
      onScroll={(event) => setTop(event.currentTarget.scrollTop)}
      onKeyDown={walk}
    >
      {header}
      <div role={table ? 'rowgroup' : 'presentation'} class="rows" style={{ height: `${count * rowHeight}px` }}>
        {indexes.map((index) => {
          const { class: own = '', style, onClick } = rowProps?.(index) ?? {};
          return (
            <div
              key={index}
              data-index={index}
              class={`virtual-row ${own}`}
              role={table ? 'row' : 'listitem'}
              {...(table ? { 'aria-rowindex': index + 2 } : { 'aria-setsize': count, 'aria-posinset': index + 1 })}
              {...(onClick === undefined ? {} : { onClick })}
              style={{ ...style, transform: `translateY(${index * rowHeight}px)`, height: `${rowHeight}px` }}
            >
              {row(index)}
            </div>
          );
        })}
      </div>
      {footer}
    </div>
  );
}

function focusable(box: HTMLElement | null, index: number): HTMLElement | undefined {
  return box?.querySelector<HTMLElement>(`[data-index="${index}"] :is(button, a)`) ?? undefined;
}
