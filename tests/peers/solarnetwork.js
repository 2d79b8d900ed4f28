// SolarNetwork's own client, npm's solarnetwork-api-core, over real HTTP: it builds URLs, signs and sends.
//
// Arguments: host with port, token id, token secret. In, JSON lines, each a request:
//   method, and either path (below SolarUser's base URL) or helper: [api, method of its URL helper, arguments]
//   query, json, form: what is sent;  signed: how the signer is told the URL ("url", "path" or "split")
// An argument {"filter": {...}} becomes a DatumFilter. Out, a JSON line for each: {"status", "headers", "body"}.
"use strict";

const readline = require("node:readline");
const { Domain, Net } = require("solarnetwork-api-core");

const [host, tokenId, tokenSecret] = process.argv.slice(2);
const environment = new Net.Environment({ protocol: "http", host });
const apis = { user: new Net.SolarUserApi(environment), query: new Net.SolarQueryApi(environment) };
const FORM = "application/x-www-form-urlencoded; charset=UTF-8";

function urlOf({ path, query, helper }) {
    if (helper) {
        const [api, name, given] = helper;
        return apis[api][name](...given.map((value) => ("filter" in Object(value) && !Array.isArray(value) ? filterOf(value.filter) : value)));
    }
    // A blank as %20: this client takes a + for a plus.
    const text = Object.entries(query || {}).map((pair) => pair.map(encodeURIComponent).join("=")).join("&");
    return apis.user.baseUrl() + path + (text ? `?${text}` : "");
}

function filterOf({ aggregation, startDate, endDate, ...others }) {
    const filter = new Domain.DatumFilter(others);
    if (aggregation) filter.aggregation = Domain.Aggregation.valueOf(aggregation);
    if (startDate) filter.startDate = new Date(startDate);
    if (endDate) filter.endDate = new Date(endDate);
    return filter;
}

// The three ways in which programs tell the signer what they are going to call.
function signer(url, signed) {
    if (signed === "url") return new Net.AuthorizationV2Builder(tokenId, environment).url(url);
    const { pathname, searchParams } = new URL(url);
    const [name, port] = host.split(":");
    // Host and port apart: this client then signs the host alone.
    const apart = signed === "split" ? new Net.Environment({ protocol: "http", host: name, port }) : environment;
    return new Net.AuthorizationV2Builder(tokenId, apart).path(pathname).queryParams(Object.fromEntries(searchParams));
}

async function request({ method, json, form, signed = "url", ...target }) {
    const url = urlOf(target);
    const builder = signer(url, signed).method(method).snDate(true);
    const headers = {};
    let body;
    if (json !== undefined) {
        body = JSON.stringify(json);
        headers["Content-Type"] = "application/json; charset=UTF-8";
        builder.contentType(headers["Content-Type"]).computeContentDigest(body);
        headers.Digest = builder.httpHeaders.firstValue("Digest");
    } else if (form !== undefined) {
        body = new URLSearchParams(form).toString();
        headers["Content-Type"] = FORM;
        builder.contentType(FORM).queryParams(form);
    }
    headers["X-SN-Date"] = builder.requestDateHeaderValue;
    headers.Authorization = builder.build(tokenSecret);
    const answer = await fetch(url, { method, headers, body });
    const text = await answer.text();
    return { status: answer.status, headers: Object.fromEntries(answer.headers), body: text && JSON.parse(text) };
}

async function main() {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        process.stdout.write(`${JSON.stringify(await request(JSON.parse(line)))}\n`);
    }
}

main().catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exitCode = 1;
});
