/** Sentences of the catalogue on a page. */

/** Words with `code` in them, as the catalogue writes them. */
export function Prose({ text }: { readonly text: string }) {
  return <>{text.split('`').map((part, index) => (index % 2 === 1 ? <code key={index}>{part}</code> : part))}</>;
}
