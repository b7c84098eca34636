"""Runs `sam deploy` with the committed settings against an endpoint that records calls to S3 and CloudFormation.

usage: deploy.py SAM FUNCTIONS

SAM is the SAM CLI, FUNCTIONS the folder that `cargo lambda build` writes. Nobody types anything: SAM must ask nothing.
"""

import http.server
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import zipfile

from built import ROOT, template

STACK = "trustplane"
BUCKET = "aws-sam-cli-managed-default-samclisourcebucket"
ARN = f"arn:aws:cloudformation:us-east-1:000000000000:stack/{STACK}/1"
NEEDED = ["AlarmReceiver=alarms@example.com", "RedirectBase=https://auth.example.com/", "SamlBase=https://auth.example.com"]


class Refused(Exception):
    pass


class Aws:
    """S3 and CloudFormation, as far as `sam deploy` uses them."""

    def __init__(self, folder: pathlib.Path):
        self.folder, self.objects, self.calls = folder, {}, []
        self.exists = False

    def put(self, key: str, body: bytes) -> None:
        path = self.folder / str(len(self.objects))
        path.write_bytes(body)
        self.objects[key] = path

    def describe_stacks(self, call) -> str:
        if call["StackName"] == "aws-sam-cli-managed-default":
            outputs = f"<member><OutputKey>SourceBucket</OutputKey><OutputValue>{BUCKET}</OutputValue></member>"
            tags = "<member><Key>ManagedStackSource</Key><Value>AwsSamCli</Value></member>"
            return self.stack("aws-sam-cli-managed-default", outputs, tags)
        if not self.exists:
            raise Refused(f"Stack with id {call['StackName']} does not exist")
        return self.stack(STACK, "", "")

    @staticmethod
    def stack(name: str, outputs: str, tags: str) -> str:
        return (
            f"<Stacks><member><StackName>{name}</StackName><StackId>{ARN}</StackId><StackStatus>CREATE_COMPLETE"
            f"</StackStatus><CreationTime>2026-01-02T03:04:05Z</CreationTime><Outputs>{outputs}</Outputs>"
            f"<Tags>{tags}</Tags></member></Stacks>"
        )

    def create_change_set(self, call) -> str:
        key = urllib.parse.urlparse(call["TemplateURL"]).path.split("/", 2)[2]
        text = self.objects[key].read_text()
        parameters = re.search(r"^Parameters:\n((?:  .*\n)+)", text, re.M)[1]
        wanted = [
            name for name, body in re.findall(r"^  (\w+):\n((?:    .*\n)+)", parameters, re.M) if "    Default:" not in body
        ]
        given = {value for key, value in call.items() if key.endswith(".ParameterKey")}
        missing = [name for name in wanted if name not in given]
        if missing:
            raise Refused(f"Parameters: [{', '.join(missing)}] must have values")
        return f"<Id>{ARN}/change-set</Id><StackId>{ARN}</StackId>"

    def describe_change_set(self, _call) -> str:
        change = "<Type>Resource</Type><ResourceChange><Action>Add</Action><LogicalResourceId>Table</LogicalResourceId>"
        change += "<ResourceType>AWS::DynamoDB::Table</ResourceType><Replacement>False</Replacement></ResourceChange>"
        return (
            f"<ChangeSetName>c</ChangeSetName><ChangeSetId>{ARN}/change-set</ChangeSetId><StackName>{STACK}</StackName>"
            f"<Status>CREATE_COMPLETE</Status><Changes><member>{change}</member></Changes>"
        )

    def execute_change_set(self, _call) -> str:
        self.exists = True
        return ""

    def describe_stack_events(self, _call) -> str:
        # SAM looks for events that are newer than those before the change.
        time = "2099-01-02T03:04:05Z" if self.exists else "2026-01-02T03:04:05Z"
        event = f"<StackId>{ARN}</StackId><EventId>1</EventId><StackName>{STACK}</StackName>"
        event += f"<LogicalResourceId>{STACK}</LogicalResourceId><PhysicalResourceId>{ARN}</PhysicalResourceId>"
        event += f"<ResourceType>AWS::CloudFormation::Stack</ResourceType><Timestamp>{time}</Timestamp>"
        return f"<StackEvents><member>{event}<ResourceStatus>CREATE_COMPLETE</ResourceStatus></member></StackEvents>"

    def cloudformation(self, call) -> str:
        action = call["Action"]
        self.calls.append(call)
        handler = getattr(self, re.sub(r"(?<!^)([A-Z])", r"_\1", action).lower(), None)
        if handler is None:
            raise Refused(f"`{action}` is not expected")
        return f"<{action}Response><{action}Result>{handler(call)}</{action}Result></{action}Response>"


def server(aws: Aws) -> http.server.ThreadingHTTPServer:
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_):
            pass

        def body(self) -> bytes:
            if "chunked" in self.headers.get("transfer-encoding", ""):
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(parts)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if "aws-chunked" not in self.headers.get("content-encoding", ""):
                return body
            whole, at = b"", 0
            while size := int(body[at : (end := body.index(b"\r\n", at))].split(b";")[0], 16):
                whole += body[end + 2 : end + 2 + size]
                at = end + 2 + size + 2
            return whole

        def reply(self, status: int, text: str = "", **headers) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        def key(self) -> str:
            path = urllib.parse.unquote(urllib.parse.urlparse(self.path).path)
            return path.split("/", 2)[2] if path.count("/") > 1 else ""

        def do_HEAD(self):
            self.reply(200 if self.key() in aws.objects or not self.key() else 404)

        def do_GET(self):
            self.reply(200, '<?xml version="1.0"?><LocationConstraint/>')

        def do_PUT(self):
            if self.headers.get("expect") == "100-continue":
                pass  # The base class has sent it.
            aws.put(self.key(), self.body())
            self.reply(200, ETag='"1"')

        def do_POST(self):
            call = dict(urllib.parse.parse_qsl(self.body().decode()))
            try:
                self.reply(200, aws.cloudformation(call), **{"Content-Type": "text/xml"})
            except Refused as refused:
                error = f"<Error><Type>Sender</Type><Code>ValidationError</Code><Message>{refused}</Message></Error>"
                self.reply(400, f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>")

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=listening.serve_forever, daemon=True).start()
    return listening


def main() -> None:
    sam, functions = (pathlib.Path(argument).resolve() for argument in sys.argv[1:3])
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "objects").mkdir()
        build = folder / ".aws-sam/build"
        build.mkdir(parents=True)
        # A refused deployment uploads its packages first: they need no content.
        for function in functions.iterdir():
            (folder / "empty" / function.name).mkdir(parents=True)
            (folder / "empty" / function.name / "bootstrap").write_text("nothing")
        (build / "template.yaml").write_text(template(folder / "empty"))
        shutil.copy(ROOT / "samconfig.toml", folder)
        aws = Aws(folder / "objects")
        listening = server(aws)
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("AWS_")},
            "AWS_ACCESS_KEY_ID": "recorded",
            "AWS_SECRET_ACCESS_KEY": "recorded",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listening.server_port}",
            "SAM_CLI_TELEMETRY": "0",
        }

        def deploy(*arguments: str) -> subprocess.CompletedProcess:
            command = [str(sam), "deploy", *arguments]
            return subprocess.run(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=540
            )

        ran = deploy()
        said = ran.stdout + ran.stderr
        if ran.returncode == 0 or "must have values" not in said:
            sys.exit(f"a deployment without parameters: exit status {ran.returncode}\n{said[-3000:]}")
        (build / "template.yaml").write_text(template(functions))
        aws.objects.clear()
        ran = deploy("--parameter-overrides", *NEEDED)
        said = ran.stdout + ran.stderr
        if ran.returncode:
            sys.exit(f"sam deploy: exit status {ran.returncode}\n{said[-3000:]}")
        if re.search(r"\[y/N\]|\[Y/n\]|without authentication", said, re.I):
            sys.exit(f"sam deploy asks:\n{said[-3000:]}")
        actions = [call["Action"] for call in aws.calls]
        created = [call for call in aws.calls if call["Action"] == "CreateChangeSet"][-1]
        given = {value for key, value in created.items() if key.endswith(".ParameterKey")}
        assert "ExecuteChangeSet" in actions, actions
        assert created["StackName"] == STACK and created["Capabilities.member.1"] == "CAPABILITY_IAM", created
        assert {"AlarmReceiver", "RedirectBase", "SamlBase"} <= given, given
        packages = [path for path in aws.objects.values() if zipfile.is_zipfile(path)]
        for package in packages:
            assert zipfile.ZipFile(package).namelist() == ["bootstrap"], package
        expected = len(list(functions.glob("*/bootstrap")))
        print(f"sam deploy: asked nothing; {len(packages)} packages of {expected} binaries; {', '.join(sorted(set(actions)))}")
        assert len(packages) > 80, "packages are missing"


main()
