// Draws /openapi.json. No library, nothing from elsewhere; texts go in as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "delete"];
let api;

/** An element with attributes (or `on…` listeners) and children. */
function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children.flat().filter(Boolean));
  return element;
}

/** Text in which `this` is code and blank lines part paragraphs. */
function prose(text) {
  return text.split(/\n\n+/).map((paragraph) =>
    h("p", {}, paragraph.split(/`([^`]*)`/).map((part, at) => (at % 2 ? h("code", {}, part) : part))));
}

const resolved = (thing) =>
  thing?.$ref ? { ...thing.$ref.slice(2).split("/").reduce((at, key) => at[key], api), ...thing, $ref: undefined } : thing;

/** The schema itself, where null may stand in its place. */
function present(schema) {
  const whole = resolved(schema) ?? {};
  const choice = whole.oneOf?.find((choice) => choice.type !== "null");
  return choice ? { ...present(choice), nullable: true } : whole;
}

/** A value as the schema has it. */
function sample(schema) {
  const it = present(schema);
  const type = [it.type].flat()[0];
  if (it.example !== undefined) return it.example;
  if (it.examples?.length) return it.examples[0];
  if (it.enum) return it.enum[0];
  if (it.properties) return Object.fromEntries(Object.entries(it.properties).map(([key, value]) => [key, sample(value)]));
  if (it.additionalProperties) return { uk: sample(it.additionalProperties) };
  if ([it.type].flat().includes("null")) return null;
  if (type === "array") return [sample(it.items)];
  if (type === "boolean") return true;
  if (type === "integer" || type === "number") return it.maximum === 1 ? 1 : Math.max(it.minimum ?? 0, 1);
  if (it.format === "date-time") return "2025-12-10T15:00:00Z";
  return type === "string" ? "…" : {};
}

/** What values a schema takes, in words. */
function kind(schema) {
  const it = present(schema);
  const types = [it.type].flat().filter((type) => type && type !== "null");
  const words = [it.enum ? it.enum.join(" | ") : it.format === "date-time" ? "time" : types.join(" or ")];
  if (it.items) words[0] = `list of ${kind(it.items)}`;
  if (it.minimum !== undefined && it.maximum !== undefined) words.push(`${it.minimum} to ${it.maximum}`);
  if (it.minLength !== undefined && it.maxLength !== undefined) words.push(`${it.minLength} to ${it.maxLength} characters`);
  if (it.pattern && !it.maximum) words.push(`as in ${it.pattern}`);
  if (it.nullable || [it.type].flat().includes("null")) words.push("or null");
  return words.filter(Boolean).join(", ");
}

/** Every field below a schema, with the way to it. */
function fields(schema, way = "") {
  const it = present(schema);
  if (it.items) return fields(it.items, `${way}[]`);
  if (it.additionalProperties) return fields(it.additionalProperties, `${way}.*`);
  return Object.entries(it.properties ?? {}).flatMap(([key, value]) => {
    const name = way ? `${way}.${key}` : key;
    return [[name, value], ...fields(value, name)];
  });
}

const describe = (schema) => prose(schema.description ?? present(schema).description ?? "");

const row = (name, type, description) =>
  h("tr", {}, h("th", {}, h("code", {}, name), h("span", { class: "type" }, type)), h("td", {}, description));

const json = (value) => JSON.stringify(value, null, 2);

function access(operation) {
  if (!operation.security) return "open";
  const needed = operation.security[0];
  if (needed.shopify_signature) return "signed by Shopify";
  return needed.bearer[0] === "manage" ? "ADMIN_TOKEN" : "LOOKUP_TOKEN or ADMIN_TOKEN";
}

/** The request as `{url, init}`, from values by parameter name. */
function request(method, path, operation, values, body, token) {
  const query = new URLSearchParams();
  let url = path;
  for (const parameter of operation.parameters ?? []) {
    const value = values[parameter.name];
    if (!value) continue;
    if (parameter.in === "path") url = url.replace(`{${parameter.name}}`, encodeURIComponent(value));
    if (parameter.in === "query") query.set(parameter.name, value);
  }
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  const base = new URL(".", location.href).href.replace(/\/$/, "");
  return {
    url: base + url + (query.size ? `?${query}` : ""),
    init: { method: method.toUpperCase(), headers, body: body || undefined, credentials: "omit", cache: "no-store" },
  };
}

function curl({ url, init }) {
  const parts = ["curl", "-s", init.method === "GET" ? null : `-X ${init.method}`];
  for (const [name, value] of Object.entries(init.headers)) parts.push(`-H '${name}: ${value}'`);
  if (init.body) parts.push(`-d '${init.body}'`);
  return [...parts, `'${url}'`].filter(Boolean).join(" ").replace("'Authorization: Bearer $TOKEN'", "\"Authorization: Bearer $TOKEN\"");
}

function examples(operation) {
  const needed = operation.parameters?.filter((parameter) => parameter.required) ?? [];
  return Object.fromEntries(needed.map((parameter) => [parameter.name, parameter.example]));
}

function tryIt(method, path, operation, bodyExample) {
  const start = examples(operation);
  const inputs = (operation.parameters ?? []).map((parameter) =>
    h("label", {}, parameter.name, h("input", {
      name: parameter.name,
      value: start[parameter.name] ?? "",
      placeholder: parameter.required ? "" : String(parameter.example ?? "left out"),
      spellcheck: "false",
    })));
  const body = bodyExample ? h("textarea", { rows: 5, "aria-label": "body", spellcheck: "false" }, json(bodyExample)) : null;
  const outcome = h("div", { "aria-live": "polite" });
  const button = h("button", {}, "Send");
  const send = async (event) => {
    event.preventDefault();
    button.disabled = true;
    const values = Object.fromEntries(new FormData(event.target));
    const { url, init } = request(method, path, operation, values, body?.value, document.getElementById("token").value.trim());
    const began = performance.now();
    try {
      const response = await fetch(url, init);
      const text = await response.text();
      const took = Math.round(performance.now() - began);
      outcome.replaceChildren(
        h("p", { class: response.ok ? "" : "bad" }, `${response.status} ${response.statusText}, ${took} ms`),
        h("pre", {}, pretty(text)));
    } catch (error) {
      outcome.replaceChildren(h("p", { class: "bad" }, `No answer: ${error.message}`));
    }
    button.disabled = false;
  };
  return h("details", {}, h("summary", {}, "Try it"), h("form", { onsubmit: send }, inputs, body, button), outcome);
}

function pretty(text) {
  try {
    // Ids are texts in our answers, so nothing is lost on the way through a number.
    return json(JSON.parse(text));
  } catch {
    return text;
  }
}

function answers(operation) {
  return Object.entries(operation.responses).map(([status, response]) => {
    const it = resolved(response);
    const content = it.content?.["application/json"];
    const schema = content?.schema;
    const example = content?.example ?? (schema && present(schema).properties ? sample(schema) : null);
    const known = status === "200" && schema ? fields(schema) : [];
    return h("tr", {}, h("td", { class: "status" }, status), h("td", {},
      prose(it.description),
      example && h("details", {}, h("summary", {}, "Example"), h("pre", {}, json(example))),
      known.length > 2 && h("details", {}, h("summary", {}, "Fields"),
        h("table", {}, known.map(([name, field]) => row(name, kind(field), describe(field)))))));
  });
}

function operationOf(method, path, operation) {
  const content = operation.requestBody?.content["application/json"];
  const bodyExample = content?.example ?? null;
  const token = operation.security?.[0].bearer ? "$TOKEN" : null;
  const call = request(method, path, operation, examples(operation), bodyExample && JSON.stringify(bodyExample), token);
  const canTry = !operation.security?.[0].shopify_signature;
  const bodyFields = content ? fields(content.schema) : [];
  return h("article", { id: operation.operationId },
    h("div", { class: "head" }, h("span", { class: `badge ${method}` }, method.toUpperCase()), h("span", { class: "path" }, path),
      h("span", { class: "access" }, access(operation))),
    h("div", { class: "body" },
      prose(operation.summary), prose(operation.description ?? ""),
      operation.parameters && [h("h4", {}, "Parameters"), h("table", {}, operation.parameters.map((parameter) =>
        row(parameter.name, `${parameter.in}${parameter.required ? ", required" : ""}: ${kind(parameter.schema)}`, prose(parameter.description))))],
      bodyFields.length > 0 && [h("h4", {}, "Body"), h("table", {}, bodyFields.map(([name, field]) => row(name, kind(field), describe(field))))],
      canTry && [h("h4", {}, "Request"), h("pre", { class: "wrap" }, curl(call))],
      h("h4", {}, "Answers"), h("table", {}, answers(operation)),
      canTry && tryIt(method, path, operation, bodyExample)));
}

function draw() {
  document.getElementById("version").textContent = api.info.version;
  const operations = Object.entries(api.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => [method, path, methods[method]]));
  const [nav, main] = [document.getElementById("nav"), document.getElementById("main")];
  main.replaceChildren(...prose(api.info.description));
  for (const tag of api.tags) {
    const own = operations.filter(([, , operation]) => operation.tags.includes(tag.name));
    nav.append(h("h2", {}, tag.name), ...own.map(([method, path, operation]) =>
      h("a", { href: `#${operation.operationId}` }, h("span", { class: `badge ${method}` }, method.toUpperCase()), h("span", { class: "path" }, path))));
    main.append(h("h2", {}, tag.name), ...prose(tag.description), ...own.map((one) => operationOf(...one)));
  }
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

fetch("openapi.json")
  .then((response) => response.json())
  .then((document) => { api = document; draw(); })
  .catch((error) => { document.getElementById("loading").textContent = `openapi.json cannot be read: ${error.message}`; });
