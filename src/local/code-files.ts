/** Which files of a folder a function's code stands in, and where each text of Lua begins. */
import { posix } from 'node:path';
import type { CodeOrigin } from '../routing/types.ts';
import type { DocumentPlaces } from './document-places.ts';
import type { FunctionDocument } from './source-documents.ts';

/** A `file:` of a function: as written, and as the name of a file of the folder. */
export interface NamedFile {
  readonly written: string;
  readonly name: string;
}

/** The files that `codeFrom.file` and `modules[].file` name. */
export function codeFilesOf(document: Pick<FunctionDocument, 'file' | 'resource'>): readonly NamedFile[] {
  const { codeFrom, modules } = document.resource.spec;
  const written = [codeFrom?.file, ...(modules ?? []).map(({ file }) => file)];
  return written.flatMap((file) =>
    file === undefined ? [] : [{ written: file, name: nameInFolder(document.file, file) }],
  );
}

/** Origin of the main code (empty key) and of each module by its name; absent where lines are not lines of a file. */
export function codeOriginsOf(
  document: Pick<FunctionDocument, 'file' | 'resource' | 'prefix'> & { readonly places: DocumentPlaces },
): ReadonlyMap<string, CodeOrigin> {
  const origins = new Map<string, CodeOrigin>();
  const { spec } = document.resource;
  const add = (key: string, file: string | undefined, path: readonly (string | number)[]): void => {
    if (file !== undefined) {
      origins.set(key, { file: nameInFolder(document.file, file), lineOffset: 0, columnOffset: 0 });
      return;
    }
    const origin = document.places.textOrigin([...document.prefix, ...path]);
    if (origin) origins.set(key, { file: document.file, ...origin });
  };
  add('', spec.codeFrom?.file, ['spec', 'code']);
  for (const [index, module] of (spec.modules ?? []).entries()) {
    add(module.name, module.file, ['spec', 'modules', index, 'code']);
  }
  return origins;
}

/** `deploy.lua` beside `team/hooks.yaml` is `team/deploy.lua`; what leads outside keeps its `..` and is refused when read. */
function nameInFolder(yamlFile: string, file: string): string {
  const path = file.replaceAll('\\', '/');
  return posix.isAbsolute(path) ? path : posix.join(posix.dirname(yamlFile), path);
}
