# For the Prometheus operator: a Service that lists the pods' metrics ports, and what reads them. The cluster must know the
# kind ServiceMonitor already when Terraform plans.

resource "kubernetes_service_v1" "metrics" {
  count = var.metrics.serviceMonitor.enabled ? 1 : 0

  metadata {
    name      = "${var.name}-metrics"
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = "metrics" })
  }
  spec {
    type             = "ClusterIP"
    cluster_ip       = "None"
    session_affinity = "None"
    selector         = local.instance
    port {
      name        = "metrics"
      port        = 9090
      target_port = "metrics"
      protocol    = "TCP"
    }
  }
}

resource "kubernetes_manifest" "monitor" {
  count = var.metrics.serviceMonitor.enabled ? 1 : 0

  manifest = {
    apiVersion = "monitoring.coreos.com/v1"
    kind       = "ServiceMonitor"
    metadata = {
      name      = var.name
      namespace = var.namespace
      labels    = merge(local.labels, { "app.kubernetes.io/component" = "metrics" }, var.metrics.serviceMonitor.labels)
    }
    spec = {
      selector = {
        matchLabels = merge(local.instance, { "app.kubernetes.io/component" = "metrics" })
      }
      endpoints = [{
        port     = "metrics"
        path     = "/metrics"
        interval = var.metrics.serviceMonitor.interval
      }]
    }
  }
}
