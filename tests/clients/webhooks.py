"""The libraries of Standard Webhooks, unmodified, verify what a webhook brings."""

import json
import os
import time

from standardwebhooks.webhooks import Webhook


def messages(data, count):
    """The messages that the local receiver got, once there are `count`."""
    path = os.path.join(data, "webhooks.jsonl")
    for _ in range(600):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                lines = file.read().splitlines()
            if len(lines) >= count:
                return [json.loads(line) for line in lines]
        time.sleep(0.1)
    raise SystemExit(f"the receiver got fewer than {count} messages")


def check(local, data):
    """Creates a webhook, causes an event of text in several scripts, and returns the secret and the message."""
    made = local.post("/v1/webhooks", {"url": local.receiver, "events": ["api-key.created"]})
    local.post("/v1/api-keys", {"name": "d\u00e9ploy \u2603", "roles": ["viewer"]})
    message = messages(data, 1)[0]
    body = Webhook(made["secret"]).verify(message["body"], message["headers"])
    assert body["type"] == "api-key.created", body
    try:
        Webhook(made["secret"]).verify(message["body"] + " ", message["headers"])
    except Exception:
        return made["secret"], message
    raise SystemExit("the library verified a message that was changed")
