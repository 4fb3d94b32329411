/** A table over pages of rows: nothing until the first is there, above it why the last one could not be read. */
import { DataTable, type DataTableProps } from './data-table.tsx';
import type { Pages } from './use-pages.ts';

export interface PagedTableProps<Row> extends Pick<DataTableProps<Row>, 'label' | 'columns' | 'empty'> {
  readonly pages: Pages<Row>;
  /** What the rows are chosen by: with another the table begins at its top again. */
  readonly filter: string;
}

export function PagedTable<Row>({ pages, filter, ...table }: PagedTableProps<Row>) {
  return (
    <>
      {pages.failure === undefined ? null : <p class="error">{pages.failure.message}</p>}
      {pages.total === undefined ? null : (
        <DataTable key={filter} {...table} count={pages.total} row={pages.row} onShow={pages.show} />
      )}
    </>
  );
}
