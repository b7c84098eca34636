"""Terraform's semantics, with the requests of its public provider `restapi`.

    terraform.py LOCAL FILE

Reads the resources of the HCL in FILE, and sends the requests that the provider sends to create, plan, change, import and destroy
them: create and read, read again, the same update twice, a read by id alone, delete twice.
"""

import json
import os
import re
import sys
import tempfile
import urllib.error
import urllib.request

import hcl2
from local import Local


class Api:
    def __init__(self, local):
        self.url = local.url
        self.headers = {
            "Authorization": f"Bearer {local.token}", "X-Tenant-ID": local.tenant, "Content-Type": "application/json"}

    def __call__(self, method, path, body=None):
        """Returns status, body and ETag."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, self.headers, method=method)
        try:
            with urllib.request.urlopen(request) as response:
                text = response.read()
                return response.status, json.loads(text) if text else None, response.headers.get("ETag")
        except urllib.error.HTTPError as error:
            text = error.read()
            return error.code, json.loads(text) if text else None, None


def plain(value):
    """Without the quotes that the parser keeps."""
    if isinstance(value, dict):
        return {plain(key): plain(inner) for key, inner in value.items() if not str(key).startswith("__")}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        return value[1:-1].replace('\\"', '"')
    return value


def data(text):
    """The argument of `jsonencode`, which the parser gives as a text of HCL."""
    body = re.fullmatch(r"\$\{jsonencode\((.*)\)\}", text, re.DOTALL).group(1)
    parsed = hcl2.loads(f"data = {body}\n")["data"]
    return plain(parsed)


def resources(path):
    """Names and arguments, in the order of the file."""
    text = open(path, encoding="utf-8").read()
    [hcl] = re.findall(r"^```hcl\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    for resource in hcl2.loads(hcl)["resource"]:
        for kind, named in plain(resource).items():
            assert kind == "restapi_object", kind
            for name, arguments in named.items():
                yield name, {key: value for key, value in arguments.items() if not key.startswith("__")}


class Object:
    """A resource as the provider has it: `path`, `id_attribute`, and a path per operation."""

    def __init__(self, api, arguments, ids):
        self.api, self.arguments = api, arguments
        fill = lambda text: re.sub(r"\$\{restapi_object\.(\w+)\.id\}", lambda match: ids[match.group(1)], text)  # noqa: E731
        self.path = fill(arguments["path"])
        self.data = data(arguments["data"])
        self.id = arguments.get("object_id")

    def operation(self, name):
        return self.arguments.get(f"{name}_path", f"{self.path}/{{id}}").replace("{id}", self.id or "")

    def create(self):
        method = self.arguments.get("create_method", "POST")
        status, body, _ = self.api(method, self.arguments.get("create_path", self.path), self.data)
        assert status in (200, 201), (status, body)
        self.id = self.id or body[self.arguments["id_attribute"]]

    def read(self):
        """The object and its ETag; None if there is none."""
        status, body, etag = self.api("GET", self.operation("read"))
        search = self.arguments.get("read_search")
        if search and status == 200:
            found = [row for row in body[search["results_key"]] if row[search["search_key"]] == search["search_value"]]
            return (found[0], etag) if found else (None, None)
        return (body, etag) if status == 200 else (None, None)

    def update(self):
        status, body, _ = self.api("PUT", self.operation("update"), self.data)
        assert status == 200, (status, body)

    def destroy(self):
        return self.api("DELETE", self.operation("destroy"))[0]

    def holds(self):
        """True if each field that was written is read as it was written."""
        read, _ = self.read()
        return all(read[name] == value for name, value in self.data.items())


# What has a status of its own instead of an end.
KEPT = {"organisation", "server"}


def main(command, path):
    with tempfile.TemporaryDirectory() as folder:
        local = Local(command, os.path.join(folder, "data"))
        try:
            api, ids, made = Api(local), {}, []
            for name, arguments in resources(path):
                one = Object(api, arguments, ids)
                one.create()
                ids[name] = one.id
                made.append((name, one))
                assert one.holds(), (name, one.data, one.read())
                before = one.read()
                assert before == one.read(), f"{name}: two reads differ"
                one.update()
                after = one.read()
                strip = lambda read: {key: value for key, value in read[0].items() if key not in ("UpdatedAt", "updated_at")}  # noqa: E731
                assert strip(before) == strip(after), (name, before, after)
                assert before[1] == after[1], f"{name}: the same update makes another version"
            for name, one in reversed(made):
                if name in KEPT:
                    continue
                assert one.destroy() in (200, 204), name
                assert one.destroy() in (200, 204, 404), name
            print(f"{path}: {len(made)} resources as Terraform expects")
        finally:
            local.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
