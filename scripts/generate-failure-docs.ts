/** Writes docs/reference/failures.md from the failure catalogue. */
import { catalogue } from '../src/failures/catalogue.ts';

export function generateFailureDocs(): ReadonlyMap<string, string> {
  const rows = Object.entries(catalogue).map(
    ([code, { status, title, remedy }]) => `| \`${code}\` | ${status} | ${title} | ${remedy} |`,
  );
  const text = `# Failures

Generated from \`src/failures/catalogue.ts\` by \`npm run generate\`; do not edit.

Errors over HTTP are \`application/problem+json\` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)) with a \`code\` from this
table; codes are never renamed or reused. \`callId\` (and the header \`X-Call-Id\`) finds the call: \`moonhook explain CALL-ID\`.

| code | status | meaning | what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
  return new Map([['docs/reference/failures.md', text]]);
}
