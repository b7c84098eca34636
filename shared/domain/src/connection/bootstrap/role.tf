# The role that lets Trustplane read AWS IAM Identity Center, and nothing else. Apply it in the organization's management
# account, or in the account that administers IAM Identity Center for it. Then save its role_arn.

terraform {
  required_version = ">= 1.3"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "account_id" {
  description = "The account that the role is made in."
  type        = string
  # account_id
}

variable "platform_account_id" {
  description = "The AWS account that Trustplane runs in."
  type        = string
  # platform_account_id
}

variable "external_ids" {
  description = "The ExternalIds that Trustplane comes with, two while they are rotated. They are no secrets."
  type        = list(string)
  # external_ids
}

variable "instance_arn" {
  description = "The ARN of the IAM Identity Center instance."
  type        = string
  # instance_arn
}

variable "role_name" {
  description = "What the role is called."
  type        = string
  default     = "TrustplaneIdentityCenterRole"
}

variable "role_path" {
  description = "The role's path, for organizations that demand one."
  type        = string
  default     = "/"
}

variable "permissions_boundary_arn" {
  description = "The ARN of a permissions boundary, for organizations that demand one. It has to allow what this role may do."
  type        = string
  default     = null
}

variable "kms_key_arn" {
  description = "The ARN of the customer managed key that encrypts the instance, if it has one. Its key policy has to allow this role, too."
  type        = string
  default     = null
}

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${var.platform_account_id}:root"]
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = var.external_ids
    }
  }
}

data "aws_iam_policy_document" "read" {
  # IAM knows no resources for these.
  statement {
    sid = "Find"
    actions = [
      "organizations:DescribeOrganization",
      "organizations:ListAccounts",
      "organizations:ListDelegatedAdministrators",
      "sso:ListInstances",
    ]
    resources = ["*"]
  }

  statement {
    sid = "ReadInstance"
    actions = [
      "sso:DescribeInstance",
      "sso:ListPermissionSets",
    ]
    resources = [var.instance_arn]
  }

  statement {
    sid = "ReadAccess"
    actions = [
      "sso:DescribePermissionSet",
      "sso:ListAccountAssignments",
      "sso:ListAccountsForProvisionedPermissionSet",
    ]
    resources = [
      var.instance_arn,
      "arn:${data.aws_partition.current.partition}:sso:::permissionSet/${split("/", var.instance_arn)[1]}/*",
      "arn:${data.aws_partition.current.partition}:sso:::account/*",
    ]
  }

  dynamic "statement" {
    for_each = var.kms_key_arn == null ? [] : [var.kms_key_arn]

    content {
      sid       = "UseInstanceKey"
      actions   = ["kms:Decrypt"]
      resources = [statement.value]

      condition {
        test     = "StringLike"
        variable = "kms:ViaService"
        values   = ["sso.*.amazonaws.com"]
      }
    }
  }
}

resource "aws_iam_role" "trustplane" {
  name                 = var.role_name
  path                 = var.role_path
  permissions_boundary = var.permissions_boundary_arn
  description          = "Lets Trustplane read AWS IAM Identity Center."
  max_session_duration = 3600
  assume_role_policy   = data.aws_iam_policy_document.trust.json

  lifecycle {
    precondition {
      condition     = data.aws_caller_identity.current.account_id == var.account_id
      error_message = "These are the credentials of another account than var.account_id."
    }
  }
}

resource "aws_iam_role_policy" "read" {
  name   = "ReadIdentityCenter"
  role   = aws_iam_role.trustplane.id
  policy = data.aws_iam_policy_document.read.json
}

output "role_arn" {
  description = "What to save as role_arn."
  value       = aws_iam_role.trustplane.arn
}
