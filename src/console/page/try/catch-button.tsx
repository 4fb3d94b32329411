/** Catches the next requests that reach the function, to try the draft on: kept in memory while it is pressed. */
import type { PastSamples } from './use-past-events.ts';

export function CatchButton({ past }: { readonly past: PastSamples }) {
  const { catching, message, binary } = past;
  const caught = past.caught.length;
  const hidden =
    binary === 0 ? '' : ` ${binary} more ${binary === 1 ? 'has a body that is' : 'have bodies that are'} no text.`;
  return (
    <>
      <button type="button" class="quiet" aria-pressed={catching} onClick={past.toggle}>
        Catch requests
      </button>
      <span role="status" class={message === '' ? 'about' : 'error'}>
        {message ||
          (catching
            ? `${caught === 0 ? 'Waiting for a request to the function …' : `${caught} caught.`} Kept in memory until this is switched off.${hidden}`
            : '')}
      </span>
    </>
  );
}
