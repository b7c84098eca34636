"""Checks the Terraform module that customers are given without Terraform: syntax, references, layout.

    python parse.py FILE

python-hcl2 parses the module. Each reference must name something that the module declares. The layout must be that of
`terraform fmt` as far as it is checked here: indentation, and aligned equals signs. A copy with a mistake of each kind
must fail. `check.py` holds the module against the AWS provider's schema, on a machine that has Terraform.
"""

import re
import sys

import hcl2

# Text of the module, a mistake in its place, and a word of the message.
BROKEN = [
    ("variable \"role_name\" {", "variable \"role_names\" {", "var.role_name"),
    ("aws_iam_role.trustplane.arn", "aws_iam_role.trustplan.arn", "aws_iam_role.trustplan"),
    ("data.aws_partition.current", "data.aws_partitions.current", "data.aws_partitions.current"),
    ("principals {", "principals", "syntax"),
    ("  role   = ", "  role = ", "equals sign"),
    ("    actions = [", "   actions = [", "indentation"),
]


def names(blocks):
    """Names of what a list of blocks declares, without the quotes that newer versions of the parser keep."""
    return {name.strip('"') for block in blocks for name in block if not name.startswith("__")}


def declared(module):
    """References that the module allows: `var.NAME`, `data.KIND.NAME`, `KIND.NAME`."""
    found = {f"var.{name}" for name in names(module.get("variable", []))}
    for prefix, blocks in (("data.", module.get("data", [])), ("", module.get("resource", []))):
        for block in blocks:
            for kind, named in block.items():
                if not kind.startswith("__"):
                    found |= {f"{prefix}{kind.strip(chr(34))}.{name}" for name in names([named])}
    return found


def references(text):
    """References in the text outside of comments; those in strings and their templates count too."""
    code = "\n".join(line.split("#")[0] for line in text.splitlines())
    yield from re.findall(r"\bvar\.\w+", code)
    yield from re.findall(r"\bdata\.\w+\.\w+", code)
    yield from re.findall(r"(?<![\w.])aws_\w+\.\w+", code)


def layout(text):
    """Mistakes of layout, each with its line."""
    depth, run = 0, []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        code = line.split("#")[0].rstrip()
        closes = len(code) - len(code.lstrip(" }])")) and code.lstrip()[:1] in ("}", "]", ")")
        wanted = 2 * (depth - bool(closes))
        if line.strip() and len(line) - len(line.lstrip()) != wanted:
            yield f"line {number}: indentation of {wanted} spaces expected"
        if line != line.rstrip():
            yield f"line {number}: ends in a space"
        attribute = re.match(r"( *)(\w+)( +)= \S", line)
        opens = sum(map(code.count, "{[(")) - sum(map(code.count, "}])"))
        # `terraform fmt` aligns the equals signs of adjacent attributes that end on their own line.
        if attribute and opens == 0:
            run.append((number, attribute))
        else:
            column = max((len(found[2]) for _, found in run), default=0) + 1
            for at, found in run:
                if len(found[2]) + len(found[3]) != column:
                    yield f"line {at}: the equals sign is not aligned"
            run = []
        depth += opens


def mistakes(text):
    """All that is wrong with a module."""
    try:
        module = hcl2.loads(text)
    except Exception as error:  # The parser's own errors have no common class.
        return [f"syntax: {error}"]
    known = declared(module)
    unknown = [f"`{name}` is not declared" for name in references(text) if name not in known]
    return unknown + list(layout(text))


def main(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = mistakes(text)
    for mistake in found:
        print(f"{path}: {mistake}")
    for right, wrong, word in BROKEN:
        assert right in text, f"the module has no `{right}`"
        told = mistakes(text.replace(right, wrong, 1))
        assert any(word in mistake for mistake in told), f"`{wrong}` was not found: {told}"
    print(f"{len(BROKEN)} broken copies were found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
