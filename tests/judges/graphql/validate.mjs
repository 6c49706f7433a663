// Judges GraphQL documents by Shopify's whole schema: reads `[{"name": …, "document": …}]` from stdin, writes
// `[{"name": …, "errors": […]}]`, and exits 0 only when every document is valid and uses nothing deprecated.
//
// Needs what `tests/judges/install.sh` installs. SHOPIFY_SCHEMA and GRAPHQL_JS name other places, as for schema/trim.mjs.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const judges = join(dirname(fileURLToPath(import.meta.url)), "..");
const require = createRequire(join(judges, "package.json"));
const { buildClientSchema, NoDeprecatedCustomRule, parse, specifiedRules, validate } = require(
  process.env.GRAPHQL_JS ?? "graphql",
);

const source = process.env.SHOPIFY_SCHEMA ?? join(judges, "schema", "admin_2026-10.json.gz");
const introspection = JSON.parse(gunzipSync(readFileSync(source)));
const schema = buildClientSchema(introspection.data ?? introspection);
const rules = [...specifiedRules, NoDeprecatedCustomRule];

/** What is wrong with one document, in graphql-js' words. */
function errorsOf(document) {
  try {
    return validate(schema, parse(document), rules).map(String);
  } catch (error) {
    return [String(error)];
  }
}

const verdicts = JSON.parse(readFileSync(0, "utf8")).map(({ name, document }) => ({ name, errors: errorsOf(document) }));
console.log(JSON.stringify(verdicts));
process.exitCode = verdicts.every(({ errors }) => errors.length === 0) ? 0 : 1;
