/** The title of a page, with what belongs to all of it. */
import type { ComponentChildren } from 'preact';

export function PageHeader({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <header class="page-header">
      <h1>{title}</h1>
      {children}
    </header>
  );
}
