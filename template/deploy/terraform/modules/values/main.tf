# Reads the values of an environment and of a release, and refuses what the schema does not allow: Terraform itself drops
# unknown keys of an object without a word, and takes "3" for 3.

variable "schema" {
  description = "The path of the schema."
  type        = string
}

variable "environment" {
  description = "The path of the environment's values."
  type        = string
}

variable "release" {
  description = "The path of the release's values, which win; empty without any."
  type        = string
}

locals {
  # A file without a line that says something is a document without keys.
  documents = [
    for text in [for path in compact([var.environment, var.release]) : file(path)] :
    merge({}, yamldecode(can(regex("(?m)^[^#\\s]", text)) ? text : "{}"))
  ]
  first  = local.documents[0]
  second = try(local.documents[1], {})

  # Maps merge, everything else is replaced. Terraform cannot recurse: the schema's maps are four deep.
  merged = merge(local.first, {
    for a in keys(local.second) : a => try(merge(local.first[a], {
      for b in keys(local.second[a]) : b => try(merge(local.first[a][b], {
        for c in keys(local.second[a][b]) : c => try(
          merge(local.first[a][b][c], local.second[a][b][c]), local.second[a][b][c]
        )
      }), local.second[a][b])
    }), local.second[a])
  })

  problems = concat(
    module.level_1.problems, module.level_2.problems, module.level_3.problems, module.level_4.problems,
    module.level_5.problems, module.level_6.problems, module.level_7.problems, module.level_8.problems,
    module.level_9.problems, module.level_10.problems,
  )
}

module "level_1" {
  source = "./level"
  parts  = [{ path = "", value = local.merged, schema = jsondecode(file(var.schema)) }]
}

module "level_2" {
  source = "./level"
  parts  = module.level_1.below
}

module "level_3" {
  source = "./level"
  parts  = module.level_2.below
}

module "level_4" {
  source = "./level"
  parts  = module.level_3.below
}

module "level_5" {
  source = "./level"
  parts  = module.level_4.below
}

module "level_6" {
  source = "./level"
  parts  = module.level_5.below
}

module "level_7" {
  source = "./level"
  parts  = module.level_6.below
}

module "level_8" {
  source = "./level"
  parts  = module.level_7.below
}

module "level_9" {
  source = "./level"
  parts  = module.level_8.below
}

module "level_10" {
  source = "./level"
  parts  = module.level_9.below
}

output "merged" {
  description = "The values of both documents."
  value       = local.merged

  precondition {
    condition     = length(local.problems) == 0
    error_message = <<-EOT
      The values do not fit deploy/values.schema.json:
      ${join("\n", [for problem in local.problems : "- ${problem}"])}
      Correct ${join(" or ", compact([var.environment, var.release]))}.
    EOT
  }

  precondition {
    condition     = length(module.level_10.below) == 0
    error_message = "The values are deeper than this module checks: add a level to modules/values."
  }
}
