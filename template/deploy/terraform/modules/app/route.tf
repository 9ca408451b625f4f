# The way in, through a Gateway. The cluster must know the kind already when Terraform plans.

resource "kubernetes_manifest" "route" {
  count = var.route.enabled ? 1 : 0

  manifest = {
    apiVersion = "gateway.networking.k8s.io/v1"
    kind       = "HTTPRoute"
    metadata = merge(
      {
        name      = var.name
        namespace = var.namespace
        labels    = merge(local.labels, { "app.kubernetes.io/component" = "route" })
      },
      length(var.route.annotations) > 0 ? { annotations = var.route.annotations } : {},
    )
    spec = merge(
      {
        rules = [{
          matches = [{ path = { type = "PathPrefix", value = var.route.path } }]
          backendRefs = [{
            group  = ""
            kind   = "Service"
            name   = kubernetes_service_v1.component[local.entry].metadata[0].name
            port   = local.components[local.entry].values.service.port
            weight = 1
          }]
        }]
      },
      { for key, list in { parentRefs = local.parents, hostnames = var.route.hostnames } : key => list if length(list) > 0 },
    )
  }
}

locals {
  parents = [for parent in var.route.parents : merge(
    { group = "gateway.networking.k8s.io", kind = "Gateway", name = parent.name },
    { for key in ["namespace", "sectionName"] : key => parent[key] if parent[key] != "" },
  )]
}
