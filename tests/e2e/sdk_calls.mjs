// The calls that the TypeScript SDK of the public protocol makes, with what it reads of the answers.
// It is no part of that SDK: its package is not what this suite installs. Usage:
//   node sdk_calls.mjs ADDRESS TOKEN      exits 0 when every call went as a client expects
import assert from "node:assert/strict";
import http from "node:http";
import tls from "node:tls";

const [address, token] = process.argv.slice(2);

/** One API call, in the headers that a client sends: a content type only where there is a body. */
async function call(method, path, body, { bearer = token, vault } = {}) {
  const headers = { "User-Agent": "agent-vault-sdk-typescript/0.1.0", Authorization: `Bearer ${bearer}` };
  if (vault) headers["X-Vault"] = vault;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const sent = body === undefined ? undefined : JSON.stringify(body);
  const response = await fetch(`${address}${path}`, { method, headers, body: sent });
  const text = await response.text();
  const json = response.headers.get("content-type")?.includes("json") ? JSON.parse(text) : undefined;
  return { status: response.status, headers: response.headers, text, json };
}

/** The JSON of a call that must succeed. */
async function done(...request) {
  const answer = await call(...request);
  assert.ok(answer.status >= 200 && answer.status < 300, `${request[0]} ${request[1]}: ${answer.text}`);
  return answer.json;
}

/** A client makes a typed error of the status and these two strings. */
async function refused(status, code, ...request) {
  const answer = await call(...request);
  assert.equal(answer.status, status, `${request[0]} ${request[1]}: ${answer.text}`);
  assert.equal(answer.json.error, code);
  assert.equal(typeof answer.json.message, "string");
}

const isTime = (text) => assert.ok(/^\d{4}-\d\d-\d\dT.*Z$/.test(text) && !Number.isNaN(Date.parse(text)), text);
const name = "sdk-vault";
const own = { vault: name };

async function vaults() {
  const made = await done("POST", "/v1/vaults", { name });
  assert.equal(made.name, name);
  assert.ok(made.id);
  isTime(made.created_at);
  await refused(409, "conflict", "POST", "/v1/vaults", { name });
  await refused(400, "bad_request", "POST", "/v1/vaults", { name: "No Slug" });
}

async function credentials() {
  const path = "/v1/credentials";
  const here = `${path}?vault=${name}`;
  const values = { STRIPE_KEY: "sk_live_1", OTHER_KEY: "two" };
  assert.deepEqual((await done("POST", path, { credentials: values, vault: name }, own)).set.sort(), ["OTHER_KEY", "STRIPE_KEY"]);
  const listed = await done("GET", here, undefined, own);
  assert.deepEqual(listed.keys, ["OTHER_KEY", "STRIPE_KEY"]);
  assert.ok(listed.credentials.every((one) => one.value === undefined));
  const revealed = await done("GET", `${here}&reveal=true`, undefined, own);
  assert.deepEqual(Object.fromEntries(revealed.credentials.map((one) => [one.key, one.value])), values);
  const one = await done("GET", `${here}&reveal=true&key=OTHER_KEY`, undefined, own);
  assert.deepEqual(one.credentials.map((each) => each.value), ["two"]);
  await refused(404, "not_found", "GET", `${here}&reveal=true&key=NOT_THERE`, undefined, own);
  await refused(400, "bad_request", "POST", path, { credentials: { "bad key": "x" }, vault: name }, own);
  await refused(400, "bad_request", "POST", path, { credentials: {}, vault: name }, own);
  await refused(400, "bad_request", "DELETE", path, { keys: [], vault: name }, own);
}

async function services() {
  const path = `/v1/vaults/${name}/services`;
  assert.deepEqual(await done("GET", path, undefined, own), { vault: name, services: [] });
  const passthrough = { type: "passthrough" };
  const documents = [
    { host: "api.stripe.com", auth: { type: "bearer", token: "STRIPE_KEY" } },
    { name: "basic", host: "*.github.com", auth: { type: "basic", username: "OTHER_KEY" } },
    { name: "slack-bot", host: "slack.com/api/*", auth: { type: "api-key", key: "OTHER_KEY", header: "X-Key", prefix: "k " } },
    { name: "slack-more", host: "slack.com", path: "/more/*", auth: passthrough },
    { name: "custom", host: "c.example.com", auth: { type: "custom", headers: { "X-A": "v {{ OTHER_KEY }}" } } },
    { host: "p.example.com", enabled: false, auth: passthrough, substitutions: [{ key: "OTHER_KEY", placeholder: "__account__" }] },
  ];
  const upserted = await done("POST", path, { services: documents }, own);
  const names = ["api-stripe-com", "basic", "slack-bot", "slack-more", "custom", "p-example-com"];
  assert.deepEqual(upserted, { vault: name, upserted: names, services_count: 6 });
  const again = await done("POST", path, { services: documents.slice(0, 1) }, own);
  assert.deepEqual(again.upserted, ["api-stripe-com"]);
  assert.equal(again.services_count, 6);
  const listed = await done("GET", path, undefined, own);
  assert.deepEqual(listed.services.map((one) => one.name), names);
  assert.deepEqual(listed.services[0].auth, documents[0].auth);
  assert.deepEqual(listed.services[5].substitutions[0].in, ["path", "query"]);
  assert.equal((await done("POST", path, { services: listed.services }, own)).services_count, 6);

  const usage = await done("GET", `${path}/credential-usage?key=STRIPE_KEY`, undefined, own);
  assert.deepEqual(usage.services.map((one) => [one.name, one.host]), [["api-stripe-com", "api.stripe.com"]]);
  await refused(400, "bad_request", "GET", `${path}/credential-usage?key=`, undefined, own);
  await refused(400, "bad_request", "POST", path, { services: [] }, own);
  await refused(400, "bad_request", "POST", path, { services: [{ host: "a.com", auth: { type: "x" } }] }, own);
  await refused(409, "ambiguous_host", "DELETE", `${path}/slack.com`, undefined, own);

  const removed = await done("DELETE", `${path}/${encodeURIComponent("slack.com/api/*")}`, undefined, own);
  assert.deepEqual(removed, { vault: name, removed: "slack-bot", removed_host: "slack.com/api/*", services_count: 5 });
  assert.equal((await done("DELETE", `${path}/${encodeURIComponent("*.github.com")}`, undefined, own)).removed, "basic");
  assert.equal((await done("DELETE", `${path}/custom`, undefined, own)).services_count, 3);
  await refused(404, "not_found", "DELETE", `${path}/not.example.com`, undefined, own);
  const replaced = await done("PUT", path, { services: documents.slice(0, 1) }, own);
  assert.deepEqual(replaced, { vault: name, services_count: 1 });
  assert.deepEqual(await done("DELETE", path, undefined, own), { vault: name, cleared: true });
  await refused(404, "vault_not_found", "GET", "/v1/vaults/no-such-vault/services", undefined, { vault: "no-such-vault" });
}

/** A session for a container: its token, the proxy's address and the CA. */
async function session() {
  const path = "/v1/sessions";
  const made = await done("POST", path, { vault: name, ttl_seconds: 3600 }, own);
  isTime(made.expires_at);
  assert.equal(made.av_addr, address);
  await done("POST", path, { vault: name, vault_role: "proxy" }, own);
  await refused(400, "bad_request", "POST", path, { vault: name, vault_role: "admin" }, own);
  await refused(400, "bad_request", "POST", path, { vault: name, ttl_seconds: 1 }, own);

  const scoped = { bearer: made.token };
  assert.deepEqual(Object.keys(await done("GET", "/v1/credentials", undefined, scoped)), ["keys"]);
  await refused(403, "role_forbidden", "GET", "/v1/credentials?reveal=true", undefined, scoped);
  await refused(403, "vault_forbidden", "GET", "/v1/credentials?vault=default", undefined, scoped);

  const ca = await call("GET", "/v1/mitm/ca.pem");
  assert.match(ca.text, /^-----BEGIN CERTIFICATE-----/);
  const port = Number.parseInt(ca.headers.get("X-MITM-Port"), 10);
  assert.ok(port > 0 && port < 65536);
  assert.notEqual(ca.headers.get("X-MITM-TLS"), "1");
  await hinted(made.token, port, ca.text);
}

/** A host without a service, through the proxy: the refusal comes with what to propose. */
async function hinted(sessionToken, port, ca) {
  await done("PATCH", `/v1/vaults/${name}/settings`, { unmatched_host_policy: "deny" });
  const login = Buffer.from(`${sessionToken}:${name}`).toString("base64");
  const headers = { "Proxy-Authorization": `Basic ${login}` };
  const host = new URL(address).hostname;
  const asked = http.request({ host, port, method: "CONNECT", path: "nowhere.example.com:443", headers });
  const socket = await new Promise((resolve, reject) => {
    asked.on("connect", (_, tunnel) => resolve(tunnel)).on("error", reject).end();
  });
  const secure = tls.connect({ socket, ca, servername: "nowhere.example.com" });
  secure.end("GET / HTTP/1.1\r\nHost: nowhere.example.com\r\nConnection: close\r\n\r\n");
  const text = Buffer.concat(await secure.toArray()).toString();
  assert.match(text, /^HTTP\/1.1 403 /);
  assert.match(text, /x-agent-vault-proxy-error: true/i);
  const problem = JSON.parse(text.slice(text.indexOf("\r\n\r\n") + 4));
  assert.equal(problem.error, "forbidden");
  assert.equal(problem.proposal_hint.host, "nowhere.example.com");
  assert.equal(problem.proposal_hint.endpoint, "POST /v1/proposals");
  assert.ok(problem.proposal_hint.supported_auth_types.includes("bearer"));
}

async function endings() {
  await refused(401, "unauthorized", "GET", "/v1/credentials", undefined, { bearer: "nonsense" });
  const body = { keys: ["STRIPE_KEY"], vault: name };
  assert.deepEqual(await done("DELETE", "/v1/credentials", body, own), { deleted: ["STRIPE_KEY"] });
  await refused(404, "not_found", "DELETE", "/v1/credentials", body, own);
  await refused(400, "bad_request", "DELETE", "/v1/vaults/default");
  assert.deepEqual(await done("DELETE", `/v1/vaults/${name}`), { name, deleted: true });
  await refused(404, "vault_not_found", "DELETE", `/v1/vaults/${name}`);
}

for (const story of [vaults, credentials, services, session, endings]) await story();
