# Who may talk to the pods, and to whom they may.

# What holds for all pods of the app: nobody reaches them, and they reach only names, each other, and the listed ports.
# The policies of the components then let some in.
resource "kubernetes_network_policy_v1" "app" {
  count = var.network.enabled ? 1 : 0

  metadata {
    name      = var.name
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = "network" })
  }
  spec {
    pod_selector {
      match_labels = local.instance
    }
    # Without an `ingress` block nobody gets in.
    policy_types = ["Ingress", "Egress"]
    egress {
      ports {
        port     = 53
        protocol = "UDP"
      }
      ports {
        port     = 53
        protocol = "TCP"
      }
    }
    egress {
      to {
        pod_selector {
          match_labels = local.instance
        }
      }
    }
    dynamic "egress" {
      for_each = length(var.network.egressPorts) > 0 ? [var.network.egressPorts] : []
      content {
        dynamic "ports" {
          for_each = egress.value
          content {
            port     = ports.value
            protocol = "TCP"
          }
        }
      }
    }
  }
}

resource "kubernetes_network_policy_v1" "component" {
  for_each = { for name, component in local.components : name => component if var.network.enabled }

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = each.key })
  }
  spec {
    pod_selector {
      match_labels = merge(local.instance, { "app.kubernetes.io/component" = each.key })
    }
    policy_types = ["Ingress"]
    dynamic "ingress" {
      for_each = each.value.port[*]
      content {
        ports {
          port     = ingress.value
          protocol = "TCP"
        }
        dynamic "from" {
          for_each = each.value.callers
          content {
            dynamic "namespace_selector" {
              for_each = length(from.value.namespaceLabels) > 0 ? [from.value.namespaceLabels] : []
              content {
                match_labels = namespace_selector.value
              }
            }
            # Without labels, all pods.
            pod_selector {
              match_labels = length(from.value.podLabels) > 0 ? from.value.podLabels : null
            }
          }
        }
      }
    }
    ingress {
      ports {
        port     = each.value.metrics_port
        protocol = "TCP"
      }
      from {
        pod_selector {}
      }
      dynamic "from" {
        for_each = var.network.metricsFrom
        content {
          dynamic "namespace_selector" {
            for_each = length(from.value.namespaceLabels) > 0 ? [from.value.namespaceLabels] : []
            content {
              match_labels = namespace_selector.value
            }
          }
          pod_selector {
            match_labels = length(from.value.podLabels) > 0 ? from.value.podLabels : null
          }
        }
      }
    }
  }
}
