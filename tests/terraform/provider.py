"""The schema of the AWS provider, for `terraform validate` without the provider: what it knows of the types that a
customer's module uses, read from the bindings that HashiCorp made from it (`cdktf-cdktf-provider-aws`).

Terraform runs this as a plugin. It can say whether a configuration is valid, and can do nothing.
"""

import ast
import os
import pathlib
import sys

from tf import runner, schema, types
from tf.blocks import SetNestedBlock
from tf.iface import DataSource, Provider, Resource

# What Terraform itself knows of every resource, and what the bindings add.
META = {
    "scope", "id_", "connection", "count", "depends_on", "for_each", "lifecycle", "provider", "provisioners",
}

RESOURCES = {"aws_iam_role": ("iam_role", "IamRole"), "aws_iam_role_policy": ("iam_role_policy", "IamRolePolicy")}
DATA_SOURCES = {
    "aws_caller_identity": ("data_aws_caller_identity", "DataAwsCallerIdentity"),
    "aws_iam_policy_document": ("data_aws_iam_policy_document", "DataAwsIamPolicyDocument"),
    "aws_partition": ("data_aws_partition", "DataAwsPartition"),
}


class Bindings:
    """One module of the bindings."""

    def __init__(self, name):
        path = pathlib.Path(os.environ["AWS_PROVIDER_BINDINGS"]) / "cdktf_cdktf_provider_aws" / name / "__init__.py"
        tree = ast.parse(path.read_text())
        self.classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}

    def methods(self, name):
        return [node for node in self.classes[name].body if isinstance(node, ast.FunctionDef)]

    def block(self, name):
        """What can be said in a block, and what comes out of it: attributes and nested blocks."""
        (init,) = [method for method in self.methods(name) if method.name == "__init__"]
        attributes, blocks = [], []
        arguments = [argument for argument in init.args.kwonlyargs if argument.arg not in META]
        for argument, default in zip(init.args.kwonlyargs, init.args.kw_defaults):
            if argument.arg in META:
                continue
            text = ast.unparse(argument.annotation)
            nested = [other for other in self.classes if f"'{other}'" in text]
            if nested:
                inner_attributes, inner_blocks = self.block(nested[0])
                blocks.append(SetNestedBlock(argument.arg, schema.Block(inner_attributes, inner_blocks)))
                continue
            required = default is None
            kind = kind_of(text)
            attributes.append(
                schema.Attribute(argument.arg, kind, required=required, optional=not required, computed=not required)
            )
        if any("Terraform" in ast.unparse(base) for base in self.classes[name].bases):
            attributes += self.computed(name, {argument.arg for argument in arguments})
        return attributes, blocks

    def computed(self, name, said):
        """Properties that nobody can set."""
        found = []
        for method in self.methods(name):
            decorators = [ast.unparse(decorator) for decorator in method.decorator_list]
            if "builtins.property" not in decorators or method.name.endswith("_input") or method.name in said:
                continue
            text = ast.unparse(method.returns)
            if text in ("builtins.str", "jsii.Number"):
                found.append(schema.Attribute(method.name, kind_of(text), computed=True))
        return found


def kind_of(text):
    for mark, kind in [
        ("Mapping[", types.Map(types.String())),
        ("Sequence[", types.List(types.String())),
        ("builtins.bool", types.Bool()),
        ("jsii.Number", types.Number()),
        ("builtins.str", types.String()),
    ]:
        if mark in text:
            return kind
    raise ValueError(f"not understood: {text}")


def cannot(self, *_):
    raise NotImplementedError("this is a schema, not a provider")


def made(base, type_name, module, name):
    """A resource or data source of this type, with nothing in it but its schema."""
    attributes, blocks = Bindings(module).block(name)
    whole = schema.Schema(attributes=attributes, block_types=blocks)
    methods = {
        "__init__": lambda self, provider=None: None,
        "get_name": classmethod(lambda cls: type_name.removeprefix("aws_")),
        "get_schema": classmethod(lambda cls: whole),
        "validate": lambda self, diags, type_name, config: None,
    }
    methods |= {name: cannot for name in ("create", "read", "update", "delete", "plan")}
    return type(type_name, (base,), methods)


class Aws(Provider):
    def get_model_prefix(self):
        return "aws_"

    def full_name(self):
        return "registry.terraform.io/hashicorp/aws"

    def get_provider_schema(self, diags):
        return schema.Schema(attributes=[])

    def validate_config(self, diags, config):
        pass

    def configure_provider(self, diags, config):
        pass

    def get_resources(self):
        return [made(Resource, type_name, *where) for type_name, where in RESOURCES.items()]

    def get_data_sources(self):
        return [made(DataSource, type_name, *where) for type_name, where in DATA_SOURCES.items()]


if __name__ == "__main__":
    runner.run_provider(Aws(), sys.argv)
