"""Chooses an exchange per operation, as the examples of the API document.

    TRUSTPLANE_EXCHANGES=target/exchanges.jsonl cargo test --workspace --test api
    python3 tests/catalogue/examples.py target/exchanges.jsonl

Writes tests/catalogue/src/openapi/examples.json. An operation without an exchange keeps its example. Prefers exchanges with
the names of a customer, and those that show the fields and can still be read. Replaces secrets and the random parts of names, and shortens lists.
"""

import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
OUT = HERE / "src/openapi/examples.json"
# Bytes of a good example: enough to show the fields, short enough to read.
BEST = 1500
SECRETS = {
    "token": "tpk_" + 5 * "EXAMPLE" + "EXA_" + 7 * "EXAMPLE",
    "secret_access_key": "TPSK" + 7 * "EXAMPLE",
    "security_token": "EXAMPLE",
    "secret": "whsec_" + 6 * "EXAMPLE" + "E=",
    "session_secret": 43 * "A",
}
# A token of any kind, also within a URL.
TOKEN = r"\b(tp[a-z]_)[0-9A-Za-z]{38}_[0-9A-Za-z]{49}\b"
# Lists that are shown whole.
WHOLE = {"checks", "roles"}
# Random parts of names, which keep tests apart, and plainer values.
PLAINER = [
    (r"\b[a-z]-[a-z]-([0-9])\.[0-9a-f]{8}\.example", r"acme\1.example"),
    (r"\.[0-9a-f]{8}\.example", ".example"),
    (r":role/(own/|Role-)[0-9a-f-]{36}", ":role/TrustplaneRead"),
]
# What an example should not show: odd inputs of tests, failures.
ODD = r"scenario/|role/Open-|permit\(principal,action|brief|\bstring\b|urn:a\b|failed|\"success\": false|sync_failure|\"(name|OrganisationName)\": \"(.|[0-9-]+ renamed)\""
# Names of a customer, and a connection that works.
GOOD = r"[Aa]cme|example\.com|\"configured\": true|\"success\": true|tpk_"


def shown(value, name=None):
    if isinstance(value, dict):
        return {key: shown(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [shown(inner) for inner in (value if name in WHOLE else value[:2])]
    if isinstance(value, str) and re.search(TOKEN, value):
        return re.sub(TOKEN, lambda found: found[1] + SECRETS["token"][4:], value)
    if name in SECRETS and value is not None:
        return SECRETS[name]
    if isinstance(value, str):
        for pattern, plainer in PLAINER:
            value = re.sub(pattern, plainer, value)
    return value


def declared():
    """The fields of each operation's request, by operation."""
    document = json.loads((HERE / "../../openapi.json").read_text(encoding="utf-8"))
    fields = {}
    for operations in document["paths"].values():
        for operation in operations.values():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            name = content.get("schema", {}).get("$ref", "").split("/")[-1]
            fields[operation["operationId"]] = set(document["components"]["schemas"].get(name, {}).get("properties", {}))
    return fields


def score(example):
    text = json.dumps(example, ensure_ascii=False)
    size = len(text)
    words = len(re.findall(GOOD, text)) - 5 * len(re.findall(ODD, text))
    return (text.isascii(), min(words, 3), size if size <= BEST else BEST - size)


def main():
    best, fields = {}, declared()
    # Files that are no JSON, and a list that is an example of each event.
    without = {"get-policy-schema", "get-setup-asset", "get-setup-page", "list-event-types"}
    examples = json.loads(OUT.read_text(encoding="utf-8"))
    for line in open(sys.argv[1], encoding="utf-8"):
        exchange = json.loads(line)
        if not 200 <= exchange["response"]["status"] < 300 or exchange["operation"] in without:
            continue
        if exchange["response"]["headers"].get("idempotency-replayed"):
            continue
        request = exchange["request"]["body"]
        response = exchange["response"]["body"]
        if response is None and exchange["response"].get("text"):
            response = exchange["response"]["text"]
        example = {"request": shown(request), "response": shown(response)}
        name = exchange["operation"]
        # Tests also send fields that are ignored.
        if isinstance(request, dict) and not request.keys() <= fields.get(name, set()):
            continue
        if name not in best or score(example) > best[name][0]:
            best[name] = (score(example), example)
    examples |= {name: example for name, (_, example) in best.items()}
    examples = {name: examples[name] for name in sorted(examples)}
    OUT.write_text(json.dumps(examples, indent=2) + "\n", encoding="utf-8")
    print(f"{len(examples)} operations have an example")


if __name__ == "__main__":
    main()
