# Settings of the app, which all of its programs read. None of them is secret.

locals {
  config = {
    BODY_LIMIT       = tostring(var.config.bodyLimit)
    CACHE_TTL        = "${var.config.cacheSeconds}s"
    DRAIN_DELAY      = "${var.config.drainSeconds}s"
    LOG_FORMAT       = var.config.logFormat
    LOG_LEVEL        = var.config.logLevel
    REQUEST_TIMEOUT  = "${var.config.requestTimeoutSeconds}s"
    SHUTDOWN_TIMEOUT = "${var.config.shutdownSeconds}s"
  }
}

resource "kubernetes_config_map_v1" "config" {
  metadata {
    name      = "${var.name}-config"
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = "config" })
  }
  immutable = false
  data      = local.config
}
