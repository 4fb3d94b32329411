/** The policy of a local run: everything on this machine is granted, unless `--policy` names a file that says otherwise. */
import { readFileSync } from 'node:fs';
import { errorMessage } from '../failures/error-message.ts';
import { localPolicy, type InstallationPolicy } from '../policy/installation-policy.ts';
import { readPolicy } from '../policy/read-policy.ts';
import { formatDiagnostic } from './diagnostic.ts';
import { parseFieldPath } from './field-path.ts';
import { parseYaml } from './parse-yaml.ts';

/** Answers the policy once the public URL is known. */
export type PolicyMaker = (publicUrl: string) => InstallationPolicy;

export type PolicyFileResult =
  | { readonly ok: true; readonly policyFor: PolicyMaker }
  | { readonly ok: false; readonly lines: readonly string[] };

/** Reads the file, if there is one; `egressAllow` adds to whatever it grants. */
export function readPolicyFile(file: string | undefined, egressAllow: readonly string[]): PolicyFileResult {
  const local: PolicyMaker = (publicUrl) => localPolicy(publicUrl, egressAllow);
  if (file === undefined) return { ok: true, policyFor: local };
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return {
      ok: false,
      lines: [`cannot read the policy ${file}: ${errorMessage(error)}`],
    };
  }
  const { documents, mistakes } = parseYaml(file, text);
  const [document, second] = documents;
  const wrong = [...mistakes, ...(document?.checkVersions() ?? [])];
  if (wrong.length > 0) return { ok: false, lines: wrong.map(formatDiagnostic) };
  if (second !== undefined) return { ok: false, lines: [`${file}: holds more than one document`] };
  const read = (publicUrl: string) => readPolicy(document?.value, local(publicUrl), { local: true });
  const first = read('http://127.0.0.1');
  if (!first.ok) {
    const lines = first.mistakes.map(({ path, message, hint }) => {
      const place = document?.places.placeOf(parseFieldPath(path)) ?? {};
      return formatDiagnostic({
        severity: 'error',
        file,
        ...place,
        path,
        message,
        ...(hint === undefined ? {} : { hint }),
      });
    });
    return { ok: false, lines };
  }
  return {
    ok: true,
    policyFor: (publicUrl) => {
      const result = read(publicUrl);
      const policy = result.ok ? result.policy : first.policy;
      const grants = [...new Set([...policy.egress.grants, ...egressAllow])];
      return { ...policy, egress: { ...policy.egress, grants } };
    },
  };
}
