/** Which files of a folder hold Secrets or ConfigMaps. */
import { listFolder, readInside } from './folder.ts';

const configuration = /^kind:\s*["']?(?:Secret|ConfigMap)\b/m;
/** In a larger folder nobody waits for all of it to be read. */
const mostFiles = 2_000;

/** Names relative to the folder; empty where there are too many files to look into. */
export async function findConfiguration(root: string): Promise<readonly string[]> {
  const { files } = (await listFolder(root)) ?? { files: [] };
  if (files.length > mostFiles) return [];
  const found: string[] = [];
  for (const file of files) {
    const content = await readInside(root, file);
    if (content.kind === 'text' && configuration.test(content.text)) found.push(file);
  }
  return found;
}
