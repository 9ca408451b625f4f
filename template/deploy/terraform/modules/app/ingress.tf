# The way in, through the cluster's ingress controller.

resource "kubernetes_ingress_v1" "app" {
  count = var.ingress.enabled ? 1 : 0

  metadata {
    name        = var.name
    namespace   = var.namespace
    labels      = merge(local.labels, { "app.kubernetes.io/component" = "ingress" })
    annotations = var.ingress.annotations
  }
  spec {
    ingress_class_name = var.ingress.className != "" ? var.ingress.className : null

    dynamic "rule" {
      for_each = var.ingress.hosts
      content {
        host = rule.value.host
        http {
          path {
            path      = rule.value.path
            path_type = "Prefix"
            backend {
              service {
                name = kubernetes_service_v1.component[local.entry].metadata[0].name
                port {
                  name = "http"
                }
              }
            }
          }
        }
      }
    }
    dynamic "tls" {
      for_each = var.ingress.tls
      content {
        secret_name = tls.value.secretName
        hosts       = tls.value.hosts
      }
    }
  }
}
