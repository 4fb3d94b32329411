/** `suspend` and `resume` of a local run: the field in the file of the resource, which the run then takes up like any edit. */
import { join } from 'node:path';
import { errorMessage } from '../failures/error-message.ts';
import { editSuspend } from './edit-suspend.ts';
import { readInside } from './folder.ts';
import type { LiveAnswer } from '../link/live-questions.ts';
import type { LocalView } from './local-api.ts';
import { replaceFile } from './replace-file.ts';

/** Answers once the file is written. */
export async function setSuspend(
  view: LocalView,
  kind: 'function' | 'subscription',
  namespace: string,
  name: string,
  body: Readonly<Record<string, unknown>>,
): Promise<LiveAnswer> {
  const { suspend } = body;
  if (typeof suspend !== 'boolean') return { status: 400, message: 'suspend must be true or false' };
  const wanted = kind === 'function' ? 'WebhookFunction' : 'WebhookSubscription';
  const state = [...view.states().values()].find(
    ({ document, verdict }) => document.kind === wanted && verdict.namespace === namespace && verdict.name === name,
  );
  if (state === undefined) return { status: 404, message: `there is no ${kind} ${namespace}/${name}` };
  const { file, line, prefix } = state.document;
  const content = await readInside(view.folder, file);
  if (content.kind !== 'text') {
    const why = content.kind === 'missing' ? 'it is not there any more' : content.message;
    return { status: 409, message: `${file}: ${why}` };
  }
  const edited = editSuspend(content.text, { kind: wanted, namespace, name, prefix }, suspend);
  if (!edited.ok) return { status: 409, message: `${file}:${line}: ${edited.message}` };
  try {
    if (edited.changed) await replaceFile(join(view.folder, file), edited.text, view.sending.newId());
  } catch (error) {
    return { status: 409, message: `cannot write ${file}: ${errorMessage(error)}` };
  }
  return { status: 200, body: { kind: wanted, namespace, name, suspend, changed: edited.changed, file, line } };
}
