// Verifies a message of a webhook with the library of Standard Webhooks, unmodified.

const assert = require("node:assert");
const { Webhook } = require("standardwebhooks");

const { headers, body } = JSON.parse(process.env.MESSAGE);
const webhook = new Webhook(process.env.SECRET);
assert.equal(webhook.verify(body, headers).type, "api-key.created");
assert.throws(() => webhook.verify(body + " ", headers));
