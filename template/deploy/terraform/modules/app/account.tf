# Who the pods are: nobody in particular.

resource "kubernetes_service_account_v1" "app" {
  count = var.account.create ? 1 : 0

  metadata {
    name        = local.account
    namespace   = var.namespace
    labels      = merge(local.labels, { "app.kubernetes.io/component" = "account" })
    annotations = var.account.annotations
  }
  automount_service_account_token = false
}
