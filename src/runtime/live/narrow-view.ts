/** The view of one question: nothing of another namespace is in it, and no more of a record than its reader may see. */
import type { AskedNamespace, RecordDepth } from '../../link/live-questions.ts';
import type { LiveView } from './live-view.ts';
import { showRecord } from './show-record.ts';

/** Without a namespace: all that have a function or subscription. */
export function narrowView(view: LiveView, namespace: AskedNamespace | undefined, depth: RecordDepth): LiveView {
  const namespaceUid = (name: string): string => {
    if (namespace === undefined) return view.namespaceUid(name);
    if (name !== namespace.name) throw new Error('a question looks beyond its namespace');
    return namespace.uid;
  };
  const border = namespace === undefined ? {} : { namespaceUid: namespace.uid };
  return {
    ...view,
    namespaceUid,
    namespaces: () => (namespace === undefined ? view.namespaces() : [namespace.name]),
    findRecords: async (filter) => {
      const found = await view.findRecords({ ...filter, ...border });
      return found.map((record) => showRecord(record, depth));
    },
    runningCalls: async () => {
      const running = await view.runningCalls();
      return namespace === undefined ? running : running.filter((call) => call.namespaceUid === namespace.uid);
    },
    followRecords: (filter, listener) =>
      view.followRecords({ ...filter, ...border }, (record) => listener(showRecord(record, depth))),
  };
}
