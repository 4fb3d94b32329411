/** An editor for a text that nobody checks: a body, objects. */
import { useState } from 'preact/hooks';
import { CodeEditor } from '../code-editor.tsx';

const none: readonly never[] = [];

export interface TextBoxProps {
  readonly label: string;
  readonly language: 'json' | 'yaml';
  readonly text: string;
  /** Changes when the text comes from elsewhere anew. */
  readonly from: string;
  onChange(text: string): void;
  onTry(): void;
}

export function TextBox({ label, language, text, from, onChange, onTry }: TextBoxProps) {
  const [typedIn, setTypedIn] = useState<string>();
  return (
    <div class="body-editor">
      <CodeEditor
        label={label}
        language={language}
        text={text}
        fromOutside={typedIn !== from}
        remarks={none}
        onChange={(next) => {
          setTypedIn(from);
          onChange(next);
        }}
        onSave={() => {}}
        onTry={onTry}
      />
    </div>
  );
}
