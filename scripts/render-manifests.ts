/** Writes `charts/plain/moonhook.yaml`: the chart with its default values, for clusters without Helm. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { plainManifests } from '../test/chart/render-chart.ts';

const folder = join(import.meta.dirname, '..', 'charts', 'plain');
mkdirSync(folder, { recursive: true });
writeFileSync(join(folder, 'moonhook.yaml'), plainManifests());
