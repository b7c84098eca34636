"""The benchmark's own client of the Runtime API, in place of Lambda's runtime: `python runtime.py MODULE`."""
import http.client
import importlib
import json
import os
import sys
import time

NEXT = "/2018-06-01/runtime/invocation/next"


class Context:
    function_name, function_version, memory_limit_in_mb = "benchmark", "$LATEST", 256

    def __init__(self, headers):
        self.aws_request_id = headers["lambda-runtime-aws-request-id"]
        self.invoked_function_arn = headers["lambda-runtime-invoked-function-arn"]
        self.deadline = int(headers["lambda-runtime-deadline-ms"])

    def get_remaining_time_in_millis(self):
        return self.deadline - int(time.time() * 1000)


handler = importlib.import_module(sys.argv[1]).lambda_handler
connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    connection.request("GET", NEXT)
    polled = connection.getresponse()
    event, context = json.loads(polled.read()), Context(polled.headers)
    try:
        kind, answer = "response", handler(event, context)
    except Exception as error:
        kind, answer = "error", {"errorType": type(error).__name__, "errorMessage": str(error)}
    path = NEXT.replace("next", f"{context.aws_request_id}/{kind}")
    connection.request("POST", path, json.dumps(answer))
    connection.getresponse().read()
