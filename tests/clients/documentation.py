"""Runs the commands of the documentation against `cargo local`.

    documentation.py LOCAL FILE...

The blocks of `sh` of a file run in one shell, in order, on a stack of its own. A block of `text` behind one is its output, where
`…` stands for any text. A command that fails, or another output, ends the check.

A block that cannot run here begins with "sh (not run: REASON)", where REASON is one of `REASONS`: it is parsed, and its programs
are those that the reason names. Commands of Cargo, also those within a line of text, name tests, binaries and aliases that exist.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib

from local import Local

# A block may be indented, as part of a list.
BLOCK = re.compile(r"^( *)```([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`]+)`")
END = "----- end of a block -----"

# Why a block does not run here, and what it may then call.
REASONS = {
    "needs an AWS account": {"aws", "cd", "pip", "sam"},
    "compiles the workspace": {"cargo"},
}
# Languages of blocks that are no commands.
# Those in TypeScript and Python are run by the tests of the setup page.
OTHERS = {"cedar", "hcl", "json", "logs", "mermaid", "python", "text", "ts", "yaml"}
# A selection of Cargo's targets, and the kinds of target that it selects.
SELECTIONS = {"--bin": {"bin"}, "--test": {"test"}, "--bench": {"bench"}}
# Subcommands of Cargo, and of the tool that builds for Lambda.
SUBCOMMANDS = {"bench", "build", "clippy", "deny", "doc", "fmt", "install", "lambda", "metadata", "run", "test", "tree"}


def fenced(text):
    """Label and content of each block."""
    for indent, label, content in BLOCK.findall(text):
        yield label, re.sub(f"^{indent}", "", content, flags=re.MULTILINE)


class Cargo:
    """What Cargo can run in this repository."""

    def __init__(self):
        self.targets, self.benches = set(), set()
        for manifest in ("Cargo.toml", "tests/fuzz/Cargo.toml"):
            output = subprocess.run(
                ["cargo", "metadata", "--no-deps", "--offline", "--format-version=1", "--manifest-path", manifest],
                capture_output=True, check=True).stdout
            for package in json.loads(output)["packages"]:
                self.targets |= {(kind, target["name"]) for target in package["targets"] for kind in target["kind"]}
        with open(".cargo/config.toml", "rb") as file:
            self.commands = SUBCOMMANDS | set(tomllib.load(file)["alias"])

    def check(self, words, place):
        """Refuses a command, given as its words behind `cargo`, that names something that does not exist."""
        if not words or words[0] not in self.commands:
            raise SystemExit(f"{place}: Cargo has no command `{' '.join(words[:1])}`")
        for option, name in zip(words, words[1:]):
            if option in SELECTIONS and not any((kind, name) in self.targets for kind in SELECTIONS[option]):
                raise SystemExit(f"{place}: there is no `{option} {name}`")


def without_environment(words):
    """A command without the variables before it."""
    while words and re.match(r"[A-Z_]+=", words[0]):
        words = words[1:]
    return words


def blocks(path, text):
    """The commands of a file that run here, each with its expected output, or None."""
    found, last = [], None
    for label, content in fenced(text):
        if label == "sh":
            found.append([content, None])
        elif label == "text" and last == "sh":
            found[-1][1] = content
        elif match := re.fullmatch(r"sh \(not run: (.*)\)", label):
            parse(path, content, REASONS.get(match[1]), match[1])
        elif label not in OTHERS:
            raise SystemExit(f"{path}: a block has the label `{label}`, which is none of sh, {', '.join(sorted(OTHERS))}")
        last = label
    return found


def parse(path, content, programs, reason):
    """Parses a block that does not run here."""
    if programs is None:
        raise SystemExit(f"{path}: `{reason}` is none of the reasons not to run a block: {', '.join(REASONS)}")
    done = subprocess.run(["bash", "-n", "-c", content], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{path}: {done.stderr}\n{content}")
    for line in content.replace("\\\n", " ").splitlines():
        words = without_environment(shlex.split(line, comments=True))
        if words and words[0] not in programs:
            raise SystemExit(f"{path}: `{words[0]}` can run here: only {', '.join(programs)} are excused as `{reason}`")


def cargo_commands(text):
    """The words of each command of Cargo in a text, without `cargo`."""
    lines = [line for _, content in fenced(text) for line in content.replace("\\\n", " ").splitlines()]
    inline = [" ".join(command.split()) for command in INLINE.findall(BLOCK.sub("", text))]
    for line in lines + inline:
        if re.match(r"([A-Z_]+=\S* )*cargo ", line):
            yield without_environment(shlex.split(line, comments=True))[1:]


def fits(expected, output):
    pattern = ".*".join(re.escape(part) for part in expected.split("…"))
    return re.fullmatch(pattern, output, re.DOTALL)


def run(path, commands, folder, environment):
    """Runs a file's commands in a folder."""
    script = "set -euo pipefail\n" + "".join(f"{content}echo '{END}'\n" for content, _ in commands)
    done = subprocess.run(
        ["timeout", "180", "bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True)
    outputs = done.stdout.split(f"{END}\n")
    for (content, expected), output in zip(commands, outputs):
        if expected is not None and not fits(expected, output):
            raise SystemExit(f"{path}: these commands\n\n{content}\nprint\n\n{output}\nand not\n\n{expected}\n{done.stderr}")
    if done.returncode != 0:
        late = " (after 180 seconds)" if done.returncode == 124 else ""
        block = commands[len(outputs) - 1][0]
        raise SystemExit(f"{path}: exit status {done.returncode}{late} of\n\n{block}\n{outputs[-1]}\n{done.stderr}")


def main(command, *files):
    cargo, command, ran = Cargo(), os.path.abspath(command), 0
    for path in files:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for words in cargo_commands(text):
            cargo.check(words, path)
        commands = blocks(path, text)
        if not commands:
            continue
        ran += len(commands)
        # The stack's data are where a developer has them, seen from the folder that the commands run in.
        with tempfile.TemporaryDirectory() as folder:
            log = open(os.path.join(folder, "log"), "w+", encoding="utf-8")
            local = Local(command, os.path.join(folder, "target", "local"), log)
            try:
                run(path, commands, folder, {**os.environ, **local.exports})
            except BaseException:
                log.seek(0)
                print(log.read(), file=sys.stderr)
                raise
            finally:
                local.end()
                log.close()
        print(f"{path}: {len(commands)} blocks of commands as expected")
    assert ran > 0, "no file has commands"


if __name__ == "__main__":
    main(*sys.argv[1:])
