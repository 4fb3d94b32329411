/** Asks before something is done that cannot be taken back; says first what, to how many. */
import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

export interface ConfirmDialogProps {
  readonly title: string;
  /** What the button does: `Replay 12 deliveries`. */
  readonly action: string;
  readonly busy?: boolean;
  readonly children: ComponentChildren;
  onConfirm(): void;
  onCancel(): void;
}

export function ConfirmDialog({ title, action, busy = false, children, onConfirm, onCancel }: ConfirmDialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog
      ref={dialog}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onCancel();
      }}
    >
      <h2>{title}</h2>
      {children}
      <footer>
        <button type="button" onClick={onCancel}>
          Leave it
        </button>
        <button type="button" class="primary" disabled={busy} onClick={onConfirm}>
          {action}
        </button>
      </footer>
    </dialog>
  );
}
