# The parts that this project has; the only file that names them all.

locals {
  # Part of every selector, which a Deployment never changes.
  project = "acme-notes"

  # The component that the way in leads to.
  entry = "frontend"

  # Whether all pods see the same database.
  shared_database = var.postgres.mode == "external"

  components = {
    backend = {
      values       = var.backend
      repository   = "ghcr.io/acme/acme-notes-backend"
      port         = 8080
      metrics_port = 9090
      # Who may call it: nobody named is everybody.
      callers = [{ namespaceLabels = {}, podLabels = merge(local.instance, { "app.kubernetes.io/component" = "frontend" }) }]
      # Whether it brings the database to the release's schema before it starts.
      migrate = local.postgres.migrate
      env     = concat(local.postgres.env, local.redis.env)
      secret  = local.postgres.secret || local.redis.secret ? local.secret : null
    }

    frontend = {
      values       = var.frontend
      repository   = "ghcr.io/acme/acme-notes-frontend"
      port         = 8000
      metrics_port = 9091
      callers      = var.network.allowFrom
      migrate      = false
      env          = [{ name = "BACKEND_URL", value = "http://${var.name}-backend:${var.backend.service.port}" }]
      secret       = null
    }
  }
}
