/** Asks before deliveries run again or are cancelled: how many, where to, and what of it would wait. */
import { useEffect, useState } from 'preact/hooks';
import { countAct, doAct, type ActWish } from './act-on-deliveries.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { describeTo, type Count } from './watch-api.ts';

export interface ActDialogProps {
  readonly wish: ActWish;
  /** For people: `dlv-12`, `every dead letter of shop/orders`. */
  readonly what: string;
  /** Told what came of it. */
  onDone(message: string): void;
  onCancel(): void;
}

export function ActDialog({ wish, what, onDone, onCancel }: ActDialogProps) {
  const [count, setCount] = useState<Count>();
  const [failure, setFailure] = useState('');
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    countAct(wish).then(setCount, (error: Error) => setFailure(error.message));
  }, []);
  const replay = wish.verb === 'replay';
  const many = (number: number): string => `${number} ${number === 1 ? 'delivery' : 'deliveries'}`;
  const confirm = async (): Promise<void> => {
    setBusy(true);
    try {
      const done = await doAct(wish);
      onDone(replay ? `${many(done.count)} will run again.` : `${many(done.count)} cancelled.`);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      setBusy(false);
    }
  };
  const number = count === undefined ? '…' : `${count.exact ? '' : 'at least '}${many(count.count)}`;
  return (
    <ConfirmDialog
      title={replay ? `Replay ${what}?` : `Cancel ${what}?`}
      action={replay ? `Replay ${number}` : `Cancel ${number}`}
      busy={busy || count === undefined || count.count === 0}
      onConfirm={() => void confirm()}
      onCancel={onCancel}
    >
      {failure === '' ? null : <p class="error">{failure}</p>}
      <p>
        {replay
          ? 'Each event goes to its original destination again, with its original id, behind live traffic.'
          : 'What waits ends as cancelled; an attempt that runs goes on. What was cancelled can be replayed.'}
      </p>
      <ul>
        {(count?.destinations ?? []).slice(0, 12).map(({ to, count: own, waitsFor }, index) => (
          <li key={index}>
            {own} to {describeTo(wish.namespace, to)}
            {waitsFor === undefined ? '' : `: would wait, ${waitsFor}`}
          </li>
        ))}
      </ul>
      {count?.count === 0 ? <p class="hint">Nothing of this kind is kept any more.</p> : null}
    </ConfirmDialog>
  );
}
