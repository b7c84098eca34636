"""The local stack, as a check starts it."""

import json
import subprocess
import urllib.request


class Local:
    """The running stack, and the tenant that it begins with."""

    def __init__(self, command, data, log=None):
        arguments = [command, "--port", "0", "--json", "--data", data]
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=log, text=True)
        ready = json.loads(self.process.stdout.readline())
        self.url, self.tenant, self.token = ready["url"], ready["tenant_id"], ready["token"]
        self.store, self.instance = ready["identity_store_id"], ready["instance_id"]
        self.receiver = ready["receiver_url"]
        # What the greeting tells a developer to export.
        names = {"URL": "url", "TENANT": "tenant_id", "TOKEN": "token", "METADATA_URL": "metadata_url",
                 "RECEIVER_URL": "receiver_url"}
        self.exports = {variable: ready[name] for variable, name in names.items()}

    def post(self, path, body):
        headers = {
            "Authorization": f"Bearer {self.token}", "X-Tenant-ID": self.tenant, "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, json.dumps(body).encode(), headers, method="POST")
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def credential(self, **fields):
        """Invokes `create-credential`, as an operator does."""
        path = "/2015-03-31/functions/create-credential/invocations"
        request = urllib.request.Request(
            self.url + path, json.dumps({"tenant_id": self.tenant, **fields}).encode(), method="POST")
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def end(self):
        self.process.terminate()
        self.process.wait()
