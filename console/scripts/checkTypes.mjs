// The generated types are those of docs/openapi.yaml; otherwise `npm run types` was forgotten.
import { readFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const contract = new URL('../../docs/openapi.yaml', import.meta.url);
const kept = readFileSync(new URL('../src/api/schema.ts', import.meta.url), 'utf8');
const fresh = astToString(await openapiTS(contract));
// The command line puts a notice above what the library makes.
if (!kept.endsWith(fresh)) {
  console.error('types: src/api/schema.ts is not what docs/openapi.yaml says; run `npm run types`');
  process.exit(1);
}
console.log('types: src/api/schema.ts agrees with docs/openapi.yaml');
