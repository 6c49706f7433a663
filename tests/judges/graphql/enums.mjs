// Lists the values of Shopify's enums: reads `["OrderReturnStatus", …]` from stdin, writes `{"OrderReturnStatus": ["RETURNED", …]}`.
//
// Needs what `tests/judges/install.sh` installs. SHOPIFY_SCHEMA names another schema.

import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const judges = join(dirname(fileURLToPath(import.meta.url)), "..");
const source = process.env.SHOPIFY_SCHEMA ?? join(judges, "schema", "admin_2026-10.json.gz");
const introspection = JSON.parse(gunzipSync(readFileSync(source)));
const { types } = (introspection.data ?? introspection).__schema;

const asked = JSON.parse(readFileSync(0, "utf8"));
const values = asked.map((name) => [name, types.find((type) => type.name === name).enumValues.map((value) => value.name)]);
console.log(JSON.stringify(Object.fromEntries(values)));
