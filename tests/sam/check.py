"""Runs functions in SAM's containers against a running `cargo local`, and compares their responses with its own.

usage: check.py LOCAL SAM FUNCTIONS

LOCAL is the program of `cargo local`, SAM the SAM CLI, FUNCTIONS the folder that `cargo lambda build` writes. Run it where
a container engine is (`tests/sam/engine.sh`). IMAGE_IS_LOCAL is set where the base image must not be pulled,
HOST_GATEWAY where the engine does not know its own address.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid

from built import ROOT, template

# Of one request, and so different in two responses.
OF_ONE_REQUEST = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@contextlib.contextmanager
def running(command, **options):
    """Starts a program in a process group of its own, and ends the group afterwards."""
    process = subprocess.Popen(command, start_new_session=True, **options)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def send(method: str, url: str, headers: dict, body: str | None = None):
    """Sends a request. Returns status, headers in lower case, and body."""
    request = urllib.request.Request(url, method=method, data=body and body.encode(), headers=headers)
    try:
        reply = urllib.request.urlopen(request, timeout=60)
    except urllib.error.HTTPError as refused:
        reply = refused
    with reply:
        headers = {name.lower(): value for name, value in reply.headers.items()}
        return reply.status, headers, reply.read().decode()


def same(what: str, local, container) -> None:
    """Compares two responses, without the ids and times of their requests."""
    local, container = (TIME.sub("TIME", OF_ONE_REQUEST.sub("ID", text)) for text in (local, container))
    if local != container:
        sys.exit(f"{what}: responses differ\n  cargo local: {local}\n  sam local:   {container}")
    print(f"same response: {what}: {local[:100]}", flush=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Check:
    def __init__(self, sam: str, folder: pathlib.Path, ready: dict):
        self.folder, self.ready = folder, ready
        pull = ["--skip-pull-image"] if os.environ.get("IMAGE_IS_LOCAL") else []
        gateway = os.environ.get("HOST_GATEWAY", "host-gateway")
        self.options = ["--template", str(folder / "template.yaml"), "--add-host", f"host.docker.internal:{gateway}"]
        self.options += ["--env-vars", str(folder / "data/sam-env.json"), *pull]
        self.sam = sam
        # No credentials and no settings of the developer.
        self.environment = {
            **os.environ,
            "SAM_CLI_TELEMETRY": "0",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": "ASIAPLATFORM00000000",
            "AWS_SECRET_ACCESS_KEY": "local",
        }

    def invoke(self, function: str, event: dict) -> str:
        """Compares the responses of a function to one event, invoked directly."""
        path = self.folder / "event.json"
        path.write_text(json.dumps(event))
        logical = "".join(word.capitalize() for word in function.split("-"))
        ran = subprocess.run(
            [self.sam, "local", "invoke", logical, "--event", str(path), *self.options],
            cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=240,
        )
        if ran.returncode or not ran.stdout.strip():
            sys.exit(f"sam local invoke {logical}: exit status {ran.returncode}\n{ran.stdout}\n{ran.stderr[-4000:]}")
        url = f"{self.ready['url']}/2015-03-31/functions/{function}/invocations"
        _, _, local = send("POST", url, {"content-type": "application/json"}, path.read_text())
        container = json.dumps(json.loads(ran.stdout.strip().splitlines()[-1]), sort_keys=True)
        try:
            same(f"sam local invoke {logical}", json.dumps(json.loads(local), sort_keys=True), container)
        except SystemExit:
            print(ran.stderr[-4000:])
            raise
        return container

    def example(self, function: str) -> dict:
        return json.loads(next((ROOT / "events" / function).glob("*.json")).read_text())

    def with_credential(self, event: dict) -> dict:
        """Returns an HTTP event with the demo tenant's credential."""
        headers = {
            **event["headers"],
            "authorization": f"Bearer {self.ready['token']}",
            "x-tenant-id": self.ready["tenant_id"],
        }
        return {**event, "headers": headers}

    def functions(self) -> None:
        """One function of each kind."""
        self.invoke("get-health", self.example("get-health"))
        found = self.invoke("get-identity-center-config", self.with_credential(self.example("get-identity-center-config")))
        assert '"statusCode": 200' in found and self.ready["role_arn"] in found, found
        self.invoke("unmatched-route", self.example("unmatched-route"))
        tenant = str(uuid.uuid4())
        made = self.invoke("create-tenant", {"name": "Example", "tenant_id": tenant})
        # The second call finds the tenant that the container created, with its ExternalId.
        url = f"{self.ready['url']}/2015-03-31/functions/create-tenant/invocations"
        found = json.loads(send("POST", url, {}, json.dumps({"name": "Example", "tenant_id": tenant}))[2])
        assert found == json.loads(made), f"{found} {made}"
        self.invoke("notify-expiring-certificates", self.example("notify-expiring-certificates"))
        event = self.example("publish-audit")
        self.invoke("publish-audit", event)
        record = json.loads(event["Records"][0]["dynamodb"]["NewImage"]["record"]["S"])["id"]
        published = (self.folder / "data/events.jsonl").read_text().count(record)
        assert published >= 2, f"the bus has record {record} {published} times, not from both"

    def api(self) -> None:
        """The HTTP API of `sam local start-api`."""
        port = free_port()
        log = (self.folder / "api.log").open("w+")
        command = [self.sam, "local", "start-api", "--port", str(port), *self.options]
        with running(command, cwd=self.folder, env=self.environment, stdout=log, stderr=log) as process:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                if process.poll() is not None:
                    break
                time.sleep(0.1)
            else:
                sys.exit("sam local start-api does not listen")
            try:
                self.requests(f"http://127.0.0.1:{port}")
            except BaseException:
                log.seek(0)
                print(log.read()[-4000:], flush=True)
                raise

    def requests(self, url: str) -> None:
        headers = {
            "authorization": f"Bearer {self.ready['token']}",
            "x-tenant-id": self.ready["tenant_id"],
            "content-type": "application/json",
        }
        config = {name: self.ready[name] for name in ("sso_instance_arn", "role_arn", "region")}
        base = "/v1/integrations/aws-identity-center"
        for method, path, body, wanted in [
            ("GET", "/healthz", None, 200),
            ("PUT", f"{base}/config", json.dumps(config), 200),
            ("GET", f"{base}/config", None, 200),
            # STS, SSO Admin and Organizations.
            ("POST", f"{base}/test", None, 200),
            # KMS.
            ("POST", "/v1/api-keys/temporary", json.dumps({"duration_seconds": 900}), None),
            ("GET", "/v1/audit-log?limit=1&outcome=denied", None, 200),
            ("DELETE", "/nowhere", None, 404),
        ]:
            ours, theirs = (send(method, at + path, headers, body) for at in (self.ready["url"], url))
            what = f"sam local start-api, {method} {path}"
            same(f"{what}, status", str(ours[0]), str(theirs[0]))
            assert wanted in (None, ours[0]), ours
            same(f"{what}, type", ours[1].get("content-type", ""), theirs[1].get("content-type", ""))
            if method != "POST" or wanted == 200:
                same(what, re.sub(r'"duration_ms":\d+', "", ours[2]), re.sub(r'"duration_ms":\d+', "", theirs[2]))


def main() -> None:
    local, sam, functions = (pathlib.Path(argument).resolve() for argument in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "template.yaml").write_text(template(functions))
        command = [str(local), "--port", "0", "--json", "--data", str(folder / "data")]
        with running(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            line = process.stdout.readline()
            if not line:
                sys.exit("cargo local did not start")
            check = Check(str(sam), folder, json.loads(line))
            check.functions()
            check.api()
    print("sam local: all responses are those of cargo local")


main()
