"""Parses the Terraform module that customers are given, and checks that it is formatted as python-hcl2 reads it.

    python parse.py FILE
"""

import sys

import hcl2

with open(sys.argv[1], encoding="utf-8") as file:
    module = hcl2.load(file)
print(module.keys())
