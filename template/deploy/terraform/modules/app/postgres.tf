# The database, which is not run here: what the API needs to reach it.

variable "postgres" {
  description = "The database"
  nullable    = false
  default     = {}

  type = object({
    mode = optional(string, "none")
  })

  validation {
    condition     = var.postgres.mode != "external" || local.existing_secret != "" || contains(local.secret_names, "database_url")
    error_message = "An external PostgreSQL needs the secret database_url: in secrets.existing or secrets.values."
  }
}

variable "migrations" {
  description = "The database's schema"
  nullable    = false
  default     = {}

  type = object({
    enabled = optional(bool, true)
  })
}

locals {
  # As the API's pods see it.
  postgres = {
    env     = var.postgres.mode == "external" ? [{ name = "DATABASE_URL_FILE", value = "/run/secrets/database_url" }] : []
    secret  = var.postgres.mode == "external"
    migrate = var.postgres.mode == "external" && var.migrations.enabled
  }
}
