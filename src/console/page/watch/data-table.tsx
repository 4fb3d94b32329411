/** A table of many rows with a head that stays; rows in sight only. The first cell opens what a row is about. */
import type { ComponentChildren } from 'preact';
import { VirtualRows } from './virtual-rows.tsx';

export interface Column<Row> {
  readonly title: string;
  /** A track of a CSS grid: `90px`, `minmax(120px, 1fr)`. */
  readonly width: string;
  readonly end?: boolean;
  cell(row: Row): ComponentChildren;
}

export interface DataTableProps<Row> {
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly count: number;
  row(index: number): Row | undefined;
  onShow?(first: number, last: number): void;
  onOpen?(row: Row): void;
  isOpen?(row: Row): boolean;
  readonly prepended?: number;
  readonly footer?: ComponentChildren;
  /** Instead of rows, where there are none. */
  readonly empty?: ComponentChildren;
}

export function DataTable<Row>(props: DataTableProps<Row>) {
  const { label, columns, count, row, onShow, onOpen, isOpen, footer, empty } = props;
  const tracks = {
    gridTemplateColumns: columns.map(({ width }) => width).join(' '),
    minWidth: `${leastWidth(columns)}px`,
  };
  if (count === 0 && empty !== undefined) return <div class="empty">{empty}</div>;
  return (
    <VirtualRows
      count={count}
      rowHeight={34}
      role="table"
      label={label}
      columns={columns.length}
      prepended={props.prepended ?? 0}
      {...(onShow === undefined ? {} : { onShow })}
      header={
        <div role="rowgroup" class="rows-header">
          <div role="row" class="cells head" style={tracks} aria-rowindex={1}>
            {columns.map(({ title, end }) => (
              <span key={title} role="columnheader" class={end === true ? 'end' : undefined}>
                {title}
              </span>
            ))}
          </div>
        </div>
      }
      footer={footer}
      rowProps={(index) => {
        const data = row(index);
        const open = data !== undefined && isOpen?.(data) === true;
        return {
          class: `cells${onOpen === undefined ? '' : ' opens'}${open ? ' open' : ''}`,
          style: tracks,
          ...(onOpen === undefined || data === undefined
            ? {}
            : {
                onClick: (event: MouseEvent) => {
                  // Buttons and links of a row do what they say.
                  if (!(event.target as HTMLElement).closest('button, a, input')) onOpen(data);
                },
              }),
        };
      }}
      row={(index) => {
        const data = row(index);
        return columns.map((column) => (
          <span key={column.title} role="cell" class={column.end === true ? 'end' : undefined}>
            {data === undefined ? <span class="ghost" /> : column.cell(data)}
          </span>
        ));
      }}
    />
  );
}

/** Between two cells, and beside the first and the last. */
const gap = 12;

/** Narrower, the table scrolls to its side. */
function leastWidth<Row>(columns: readonly Column<Row>[]): number {
  const least = columns.map(({ width }) => Number(/\d+/.exec(width)?.[0] ?? 0));
  return least.reduce((sum, each) => sum + each, gap * (columns.length + 1));
}
