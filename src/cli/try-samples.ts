/** What the triggers of a function can be tried on: the samples of their senders, or the data that their kind brings. */
import type { Sample } from '../console/console-source.ts';
import type { WebhookFunction } from '../function/types.ts';
import { receivers } from '../receivers/catalogue.ts';
import { readSamples } from '../receivers/read-samples.ts';

/** `urls`: where its HTTP triggers are mounted. */
export function samplesOf(
  resource: WebhookFunction,
  urls: readonly { readonly trigger: string; readonly url: string }[],
): readonly Sample[] {
  const samples: Sample[] = [];
  for (const trigger of resource.spec.triggers ?? []) {
    const { name, http } = trigger;
    if (http === undefined) {
      const kind = ['schedule', 'event', 'kubernetes'].find((each) => Object.hasOwn(trigger, each)) ?? 'call';
      const data = trigger.schedule?.data ?? {};
      samples.push({ trigger: name, kind, event: kind, body: JSON.stringify(data, undefined, 2) });
      continue;
    }
    const [sender = 'open'] = Object.keys(http.receiver);
    const url = urls.find((each) => each.trigger === name)?.url;
    const path = url === undefined ? {} : { path: new URL(url).pathname };
    for (const { event, body } of receivers.has(sender) ? readSamples(sender) : []) {
      samples.push({ trigger: name, kind: sender, event, body: readable(body.toString('utf8')), ...path });
    }
  }
  return samples.length === 0 ? [{ kind: 'call', event: 'call', body: '{}' }] : samples;
}

/** JSON with its lines; anything else as it is. */
function readable(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), undefined, 2);
  } catch {
    return text;
  }
}
