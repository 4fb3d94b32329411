/** What can be done about one delivery now: run it again once it has ended, cancel it while it waits. */
import { useState } from 'preact/hooks';
import { ActDialog } from './act-dialog.tsx';
import type { ActWish } from './act-on-deliveries.ts';
import type { Delivery } from './watch-api.ts';

export function ActButtons({ delivery, onActed }: { readonly delivery: Delivery; onActed(): void }) {
  const [asked, setAsked] = useState<ActWish>();
  const [message, setMessage] = useState('');
  const { metadata, state, replayedAs } = delivery;
  const { namespace, name } = metadata;
  const selections = [{ id: name }];
  const waits = state === 'waiting' || state === 'held';
  const ended = state === 'dead' || state === 'cancelled';
  return (
    <div class="actions">
      {ended && replayedAs === undefined ? (
        <button type="button" onClick={() => setAsked({ verb: 'replay', namespace, selections })}>
          Replay
        </button>
      ) : null}
      {waits ? (
        <button type="button" onClick={() => setAsked({ verb: 'cancel', namespace, selections })}>
          Cancel
        </button>
      ) : null}
      <span role="status" class="hint">
        {message}
      </span>
      {asked === undefined ? null : (
        <ActDialog
          wish={asked}
          what={name}
          onCancel={() => setAsked(undefined)}
          onDone={(said) => {
            setAsked(undefined);
            setMessage(said);
            onActed();
          }}
        />
      )}
    </div>
  );
}
