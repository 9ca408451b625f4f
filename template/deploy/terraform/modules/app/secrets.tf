# The Secret, unless there is one already, or nothing to put into it. Its values are handed over as write-only ones: no plan
# and no state holds them.

variable "secrets" {
  description = "The Secret with what must not be in a committed file"
  sensitive   = true
  nullable    = false
  default     = {}

  type = object({
    existing = optional(string, "")
    values   = optional(map(string), {})
  })
}

locals {
  existing_secret = nonsensitive(var.secrets.existing)
  secret_names    = nonsensitive(keys(var.secrets.values))
  secret_checksum = nonsensitive(sha256(jsonencode(var.secrets.values)))

  # As pods see it: its name, and what makes them new when its values change.
  secret = {
    name        = coalesce(local.existing_secret, "${var.name}-secrets")
    annotations = local.existing_secret != "" ? {} : { "checksum/secrets" = local.secret_checksum }
  }
}

resource "kubernetes_secret_v1" "secrets" {
  count = local.existing_secret == "" && length(local.secret_names) > 0 ? 1 : 0

  metadata {
    name      = "${var.name}-secrets"
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = "secrets" })
  }
  type    = "Opaque"
  data_wo = var.secrets.values
  # Write-only values cannot be compared; a new number is how the provider hears of a change.
  data_wo_revision = parseint(substr(local.secret_checksum, 0, 8), 16)
}
