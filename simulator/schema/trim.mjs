// Cuts Shopify's Admin schema down to what our documents use, and writes it as SDL without its prose.
//
//   node simulator/schema/trim.mjs            writes simulator/schema/admin_2026-10.graphql
//   node simulator/schema/trim.mjs --check    exits 1 when that file is out of date
//
// It needs what `tests/judges/install.sh` installs: graphql-js, and Shopify's own introspection of 2026-10. Another place for
// either is named by SHOPIFY_SCHEMA (a .json.gz file) and GRAPHQL_JS (a directory that resolves as the package `graphql`).

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "..", "..");
const judges = join(root, "tests", "judges");
const require = createRequire(join(judges, "package.json"));
const {
  buildClientSchema,
  getNamedType,
  isCompositeType,
  parse,
  printSchema,
  TypeInfo,
  validate,
  visit,
  visitWithTypeInfo,
} = require(process.env.GRAPHQL_JS ?? "graphql");

const version = "2026-10";
const target = join(here, `admin_${version}.graphql`);
const source = process.env.SHOPIFY_SCHEMA ?? join(judges, "schema", `admin_${version}.json.gz`);
const documents = join(root, "src", "shopify", "documents");

const header = `# Shopify's Admin GraphQL schema ${version}, cut down to what this repository's documents use. Written by
# simulator/schema/trim.mjs from the introspection that ships in the npm package @shopify/dev-mcp 1.16.0, whose licence (ISC) is:
#
#   Copyright 2025-present, Shopify Inc.
#
#   Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted,
#   provided that the above copyright notice and this permission notice appear in all copies.
#   THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
#   IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
#   INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
#   ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
#   THIS SOFTWARE.

`;

/** The introspection of the whole schema, as `{ __schema }`. */
function readIntrospection() {
  const json = JSON.parse(gunzipSync(readFileSync(source)));
  return json.data ?? json;
}

/** Our documents, as one: fragments are shared between files. */
function readDocuments() {
  const files = readdirSync(documents)
    .filter((name) => name.endsWith(".graphql"))
    .sort()
    .map((name) => join(documents, name));
  return parse([...files, join(here, "extra.graphql")].map((file) => readFileSync(file, "utf8")).join("\n"));
}

/** What the document uses: `types` by name, and per type its `fields`, each with its arguments. */
function usedParts(schema, document) {
  const used = new Map();
  const wanted = (name) => used.get(name) ?? used.set(name, new Map()).get(name);
  const info = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(info, {
      Field() {
        const field = info.getFieldDef();
        const parent = info.getParentType();
        if (!field || field.name.startsWith("__")) return;
        const args = wanted(parent.name).get(field.name) ?? new Set();
        wanted(parent.name).set(field.name, args);
        for (const arg of field.args) if (arg.type.toString().endsWith("!")) args.add(arg.name);
        wanted(getNamedType(field.type).name);
      },
      Argument(node) {
        const field = info.getFieldDef();
        if (field) wanted(info.getParentType().name).get(field.name)?.add(node.name.value);
      },
      NamedType(node) {
        if (isCompositeType(schema.getType(node.name.value))) wanted(node.name.value);
      },
    }),
  );
  return used;
}

/** A field of an interface is a field of each type that we keep of those that implement it. */
function spreadInterfaceFields(schema, used) {
  for (const [name, fields] of used) {
    for (const parent of schema.getType(name).getInterfaces?.() ?? []) {
      for (const [field, args] of used.get(parent.name) ?? []) if (!fields.has(field)) fields.set(field, args);
    }
  }
}

/** The same introspection with only the used parts, and no prose. Input types and enums stay whole. */
function trimmed(introspection, used) {
  const byName = new Map(introspection.__schema.types.map((type) => [type.name, type]));
  const keep = new Map();
  const named = (type) => (type.ofType ? named(type.ofType) : type.name);
  const bare = (part) => ({
    ...part,
    description: null,
    deprecationReason: part.isDeprecated ? "No longer supported" : null,
    specifiedByURL: null,
  });
  const add = (name) => {
    if (keep.has(name)) return;
    const type = bare(byName.get(name));
    keep.set(name, type);
    const fields = used.get(name);
    const kept = (part) => used.has(part.name);
    if (type.fields) {
      type.fields = type.fields
        .filter((field) => fields.has(field.name))
        .map((field) => ({
          ...bare(field),
          args: field.args.filter((arg) => fields.get(field.name).has(arg.name)).map(bare),
        }));
      type.interfaces = type.interfaces.filter(kept);
    }
    type.possibleTypes = type.possibleTypes?.filter(kept) ?? type.possibleTypes;
    type.inputFields = type.inputFields?.map(bare) ?? type.inputFields;
    type.enumValues = type.enumValues?.map(bare) ?? type.enumValues;
    const parts = [...(type.fields ?? []), ...(type.fields ?? []).flatMap((f) => f.args), ...(type.inputFields ?? [])];
    for (const part of parts) add(named(part.type));
  };
  for (const name of used.keys()) add(name);
  for (const name of ["String", "Boolean"]) add(name);
  const directives = introspection.__schema.directives
    .filter((directive) => ["include", "skip", "deprecated", "specifiedBy", "oneOf"].includes(directive.name))
    .map((directive) => ({ ...bare(directive), args: directive.args.map(bare) }));
  return { __schema: { ...introspection.__schema, description: null, types: [...keep.values()].sort(order), directives } };
}

/** By name, so that two runs write the same file. */
function order(a, b) {
  return a.name < b.name ? -1 : 1;
}

const introspection = readIntrospection();
const schema = buildClientSchema(introspection);
const document = readDocuments();
const faults = validate(schema, document);
if (faults.length > 0) {
  for (const fault of faults) console.error(String(fault));
  process.exit(1);
}
const used = usedParts(schema, document);
spreadInterfaceFields(schema, used);
const small = buildClientSchema(trimmed(introspection, used));
const missing = validate(small, document);
if (missing.length > 0) throw new Error(`the trimmed schema lost something: ${missing[0]}`);
const text = header + printSchema(small) + "\n";

if (process.argv.includes("--check")) {
  if (readFileSync(target, "utf8") !== text) {
    console.error(`${target} is out of date: run \`node simulator/schema/trim.mjs\``);
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
  console.log(`${target}: ${Object.keys(small.getTypeMap()).length} types, ${text.length} bytes`);
}
