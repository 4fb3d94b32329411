/** One function in a text that may hold several resources. */
import { parseAllDocuments, type Document } from 'yaml';

export interface FoundFunction {
  readonly document: Document.Parsed;
  /** Of the document in the text. */
  readonly index: number;
}

/** Undefined: the text holds no such function, or is not YAML. */
export function findFunction(
  text: string,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): FoundFunction | undefined {
  const documents = parseAllDocuments(text);
  if (!Array.isArray(documents) || documents.some(({ errors }) => errors.length > 0)) return undefined;
  const index = documents.findIndex(
    (document) =>
      document.get('kind') === 'WebhookFunction' &&
      document.getIn(['metadata', 'name']) === name &&
      (document.getIn(['metadata', 'namespace']) ?? 'default') === namespace,
  );
  const document = documents[index];
  return document === undefined ? undefined : { document, index };
}
