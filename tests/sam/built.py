"""The template with the folders of built functions, as `sam build` writes it."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]


def template(functions: pathlib.Path) -> str:
    """Returns the template. `functions` is the folder that `cargo lambda build` writes."""
    text = (ROOT / "template.yaml").read_text()
    text, count = re.subn(
        r"(        Binary: (\S+)\n    Properties:\n)",
        lambda found: f"{found[1]}      CodeUri: {functions / found[2]}\n",
        text,
    )
    assert count == text.count("Type: AWS::Serverless::Function"), count
    return text
