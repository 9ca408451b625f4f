# What components of the app have beside their Deployments: a Service where others call them, and what keeps them available.

resource "kubernetes_service_v1" "component" {
  for_each = { for name, component in local.components : name => component if component.port != null }

  metadata {
    name        = "${var.name}-${each.key}"
    namespace   = var.namespace
    labels      = merge(local.labels, { "app.kubernetes.io/component" = each.key })
    annotations = each.value.values.service.annotations
  }
  # An address from outside may take long, and nothing here needs it.
  wait_for_load_balancer = false

  spec {
    type             = each.value.values.service.type
    session_affinity = "None"
    selector         = merge(local.instance, { "app.kubernetes.io/component" = each.key })
    port {
      name        = "http"
      port        = each.value.values.service.port
      target_port = "http"
      protocol    = "TCP"
      node_port   = each.value.values.service.nodePort != 0 ? each.value.values.service.nodePort : null
    }
  }
}

resource "kubernetes_horizontal_pod_autoscaler_v2" "component" {
  for_each = { for name, component in local.components : name => component.values.autoscaling if try(component.values.autoscaling.enabled, false) }

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = each.key })
  }
  spec {
    scale_target_ref {
      api_version = "apps/v1"
      kind        = "Deployment"
      name        = kubernetes_deployment_v1.component[each.key].metadata[0].name
    }
    min_replicas = each.value.minReplicas
    max_replicas = each.value.maxReplicas
    metric {
      type = "Resource"
      resource {
        name = "cpu"
        target {
          type                = "Utilization"
          average_utilization = each.value.targetCPUUtilizationPercentage
        }
      }
    }
    # What Kubernetes does when nothing is said, said.
    behavior {
      scale_up {
        stabilization_window_seconds = 0
        select_policy                = "Max"
        policy {
          type           = "Pods"
          value          = 4
          period_seconds = 15
        }
        policy {
          type           = "Percent"
          value          = 100
          period_seconds = 15
        }
      }
      scale_down {
        stabilization_window_seconds = 300
        select_policy                = "Max"
        policy {
          type           = "Percent"
          value          = 100
          period_seconds = 15
        }
      }
    }
  }
}

resource "kubernetes_pod_disruption_budget_v1" "component" {
  for_each = { for name, component in local.components : name => component.values.disruption if component.values.disruption.enabled }

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = each.key })
  }
  spec {
    max_unavailable = each.value.maxUnavailable
    selector {
      match_labels = merge(local.instance, { "app.kubernetes.io/component" = each.key })
    }
  }
}
