"""Runs the commands of the documentation against `cargo local`.

    tour.py LOCAL FILE...

Of each file, the blocks of `sh` between `<!-- tour -->` and `<!-- end of tour -->` run in one shell, in order. A block of `text`
behind one is its output, where `…` stands for any text. A command that fails, or another output, ends the check.
"""

import os
import re
import subprocess
import sys
import tempfile

from local import Local

BLOCK = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.MULTILINE | re.DOTALL)
END = "----- end of a block -----"


def blocks(path):
    """The commands of a file, each with its expected output, or None."""
    text = open(path, encoding="utf-8").read()
    tour = text.split("<!-- tour -->")[1].split("<!-- end of tour -->")[0]
    found = []
    for language, content in BLOCK.findall(tour):
        if language == "sh":
            found.append([content, None])
        elif language == "text" and found:
            found[-1][1] = content
    assert found, f"{path} has no commands"
    return found


def fits(expected, output):
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, output, re.DOTALL)


def run(path, environment):
    """Runs a file's commands. Returns their number."""
    commands = blocks(path)
    script = "set -euo pipefail\n" + "".join(f"{content}echo '{END}'\n" for content, _ in commands)
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=300)
    outputs = done.stdout.split(f"{END}\n")
    for (content, expected), output in zip(commands, outputs):
        if expected is not None and not fits(expected, output):
            raise SystemExit(f"{path}: these commands\n\n{content}\nprint\n\n{output}\nand not\n\n{expected}\n{done.stderr}")
    if done.returncode != 0:
        raise SystemExit(f"{path}: exit status {done.returncode} after {outputs[-1]}\n{done.stderr}")
    return len(commands)


def main(command, *files):
    for path in files:
        with tempfile.TemporaryDirectory() as folder:
            data = os.path.join(folder, "data")
            local = Local(command, data)
            try:
                environment = {
                    **os.environ, "URL": local.url, "TENANT": local.tenant, "TOKEN": local.token, "DATA": data,
                    "DNS": os.path.join(data, "dns.txt")}
                print(f"{path}: {run(path, environment)} blocks of commands as expected")
            finally:
                local.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
