// A charge point on npm's ocpp-rpc in strict mode, which holds every answer of ours against its own schemas.
//
// Arguments: endpoint, identity, subprotocol, password, answers (JSON: {action: payload} for what it is asked; null
// where the answer is said later). In, JSON lines: {"action": ..., "payload": ...} to be called, {"say": payload} for
// the oldest question that waits for its answer. Out, JSON lines: {"connected": subprotocol}, {"answer": ...} or
// {"error": code, "description": ...} in the order of the calls, {"asked": action, "payload": ...} for what came from
// the server, {"violation": text} whenever a message broke a schema. Ends with its input.
"use strict";

const readline = require("node:readline");
const { RPCClient, createRPCError } = require("ocpp-rpc");

const [endpoint, identity, subprotocol, password, answers] = process.argv.slice(2);
const answerTo = JSON.parse(answers);
const waiting = [];

function say(line) {
    process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function call(client, { action, payload }) {
    try {
        say({ answer: await client.call(action, payload, { callTimeoutMs: 20000 }) });
    } catch (error) {
        say({ error: error.rpcErrorCode || error.name, description: error.message });
    }
}

async function main() {
    const client = new RPCClient({
        endpoint, identity, password, protocols: [subprotocol], strictMode: true, reconnect: false,
    });
    client.on("strictValidationFailure", (failure) => {
        say({ violation: `${failure.method} ${failure.outbound ? "by us" : "by the server"}: ${failure.error.message}` });
    });
    client.on("badMessage", (bad) => say({ violation: `bad message: ${bad.error && bad.error.message}` }));
    client.handle(({ method, params }) => {
        say({ asked: method, payload: params });
        if (!(method in answerTo)) throw createRPCError("NotSupported");
        if (answerTo[method] !== null) return answerTo[method];
        return new Promise((resolve) => waiting.push(resolve));
    });
    await client.connect();
    say({ connected: client.protocol });
    let calls = Promise.resolve();
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const order = JSON.parse(line);
        if ("say" in order) waiting.shift()(order.say);
        else calls = calls.then(() => call(client, order));
    }
    await calls;
    await client.close();
}

main().catch((error) => {
    say({ error: error.name, description: error.message });
    process.exitCode = 1;
});
