# One level of a document beside its schema. Terraform cannot recurse: the module above calls this once for each level.

variable "parts" {
  description = "Parts of the document, each with its dotted path, its value and its schema."
  type        = any
}

locals {
  # What the values of each type look like as JSON.
  forms = {
    array   = "^\\["
    boolean = "^(true|false)$"
    integer = "^-?[0-9]+$"
    object  = "^{"
    string  = "^\""
  }

  checked = [for part in var.parts : merge(part, {
    fits = can(regex(local.forms[part.schema.type], jsonencode(part.value)))
  })]
  maps   = [for part in local.checked : part if part.fits && part.schema.type == "object"]
  lists  = [for part in local.checked : part if part.fits && part.schema.type == "array"]
  leaves = [for part in local.checked : part if part.fits && !contains(["object", "array"], part.schema.type)]

  wrong_type = [for part in local.checked : "${part.path} must be of the type ${part.schema.type}." if !part.fits]

  unknown = flatten([for part in local.maps : [
    for key in setsubtract(keys(part.value), keys(part.schema.properties)) :
    "${join(".", compact([part.path, key]))} is unknown; known are ${join(", ", keys(part.schema.properties))}."
  ] if can(part.schema.properties)])

  wrong_name = flatten([for part in local.maps : [
    for key in keys(part.value) : "${part.path}.${key} is not a name that may stand there."
    if !contains(try(part.schema.propertyNames.enum, [key]), key) || !can(regex(try(part.schema.propertyNames.pattern, ""), key))
  ]])

  missing = flatten([for part in local.maps : [
    for key in setsubtract(part.schema.required, keys(part.value)) : "${part.path}.${key} is missing."
  ] if can(part.schema.required)])

  ambiguous = [
    for part in local.maps : "${part.path} needs exactly one of ${join(", ", flatten(part.schema.oneOf[*].required))}."
    if can(part.schema.oneOf) && 1 != length([
      for choice in try(part.schema.oneOf, []) : choice if length(setsubtract(choice.required, keys(part.value))) == 0
    ])
  ]

  not_listed = [
    for part in local.leaves : "${part.path} must be one of ${join(", ", part.schema.enum)}."
    if try(!contains(part.schema.enum, part.value), false)
  ]
  wrong_form = [
    for part in local.leaves : "${part.path} must match ${part.schema.pattern}."
    if can(part.schema.pattern) && !can(regex(part.schema.pattern, part.value))
  ]
  too_small = [
    for part in local.leaves : "${part.path} must be at least ${part.schema.minimum}."
    if try(part.value < part.schema.minimum, false)
  ]
  too_big = [
    for part in local.leaves : "${part.path} must be at most ${part.schema.maximum}."
    if try(part.value > part.schema.maximum, false)
  ]
}

output "problems" {
  description = "What does not fit, a sentence each."
  value = concat(
    local.wrong_type, local.unknown, local.wrong_name, local.missing, local.ambiguous,
    local.not_listed, local.wrong_form, local.too_small, local.too_big,
  )
}

output "below" {
  description = "The parts one level deeper whose schema is known."
  value = concat(
    flatten([for part in local.maps : [
      for key, value in part.value : {
        path   = join(".", compact([part.path, key]))
        value  = value
        schema = try(part.schema.properties[key], part.schema.additionalProperties)
      } if can(part.schema.properties[key]) || can(part.schema.additionalProperties.type)
    ]]),
    flatten([for part in local.lists : [
      for index, value in part.value : { path = "${part.path}[${index}]", value = value, schema = part.schema.items }
    ]]),
  )
}
