/** Questions of the editing half of the page. */
import type {
  CreateOrder,
  CreateResult,
  FormKit,
  NamespaceChoice,
  StartingPoint,
  UpcomingTimes,
} from '../../editing-source.ts';
import { askJson, sending } from '../api.ts';

let kit: Promise<FormKit> | undefined;

export const editApi = {
  /** Does not change while the program runs: asked once. */
  form: (): Promise<FormKit> => {
    kit ??= askJson<FormKit>('/form');
    kit.catch(() => (kit = undefined));
    return kit;
  },
  times: (cron: string, timeZone: string, signal: AbortSignal) =>
    askJson<UpcomingTimes>(`/times?${new URLSearchParams({ cron, timeZone }).toString()}`, { signal }),
  startingPoints: () =>
    askJson<{ readonly points: readonly StartingPoint[]; readonly namespaces?: NamespaceChoice }>('/starting-points'),
  create: (order: CreateOrder) => askJson<CreateResult>('/functions', sending('POST', order)),
};
