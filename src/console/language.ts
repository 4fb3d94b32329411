/** What the editor knows of Lua here: the entries of the host's catalogue, and the fields of an event, as the reference page shows them. */
import type { LanguageEntry, LanguageField, LanguageHelp } from './console-source.ts';
import { createCatalogue, listEntries } from '../host/catalogue.ts';
import { documentedTypes } from '../host/documented-types.ts';

export function languageHelp(): LanguageHelp {
  return { entries: languageEntries(), event: eventFields() };
}

function languageEntries(): readonly LanguageEntry[] {
  return listEntries(createCatalogue()).map(({ name, summary, parameters, returns, value }) => {
    const given = parameters.map((parameter) => parameter.name).join(', ');
    const gives = returns.map((each) => each.name).join(', ');
    const call = value === true ? '' : `(${given})`;
    const signature = `${name}${call}${gives === '' ? '' : ` → ${gives}`}`;
    return { name, summary, value: value === true, signature, parameters: parameters.map(fieldOf), returns: gives };
  });
}

function eventFields(): LanguageHelp['event'] {
  const of = (name: string): readonly LanguageField[] =>
    documentedTypes.find((type) => type.name === name)?.fields.map(fieldOf) ?? [];
  return { event: of('moonhook.Event'), request: of('moonhook.Request'), sender: of('moonhook.Sender') };
}

function fieldOf({ name, type, description }: LanguageField): LanguageField {
  return { name, type, description };
}
