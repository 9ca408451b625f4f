# The parts that this project has; the only file that names them all.

locals {
  # Part of every selector, which a Deployment never changes.
  project = "acme-notes"

  # The component that the way in leads to.
  entry = "frontend"

  # Whether all pods see the same database.
  shared_database = var.postgres.mode == "external"

  # Which may call a Redis in the namespace.
  clients = ["backend", "worker", "scheduler", "board"]

  # What components that use the servers are given.
  connection = {
    # Whether they bring the database to the release's schema before they start.
    migrate = local.postgres.migrate
    env     = concat(local.postgres.env, local.redis.env)
    secret  = local.postgres.secret || local.redis.secret ? local.secret : null
  }

  worker_image = "ghcr.io/acme/acme-notes-worker"

  components = merge({
    backend = {
      values       = var.backend
      image        = var.backend.image
      args         = null
      repository   = "ghcr.io/acme/acme-notes-backend"
      port         = 8080
      probed       = "http"
      metrics_port = 9090
      # Who may call it: nobody named is everybody.
      callers = [{ namespaceLabels = {}, podLabels = merge(local.instance, { "app.kubernetes.io/component" = "frontend" }) }]
      migrate = local.connection.migrate
      env     = local.connection.env
      secret  = local.connection.secret
    }

    frontend = {
      values       = var.frontend
      image        = var.frontend.image
      args         = null
      repository   = "ghcr.io/acme/acme-notes-frontend"
      port         = 8000
      probed       = "http"
      metrics_port = 9091
      callers      = var.network.allowFrom
      migrate      = false
      env          = [{ name = "BACKEND_URL", value = "http://${var.name}-backend:${var.backend.service.port}" }]
      secret       = null
    }
  }, local.jobs)
}
