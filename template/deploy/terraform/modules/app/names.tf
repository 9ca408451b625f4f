# What objects are called, and the labels by which they find each other.

locals {
  # The labels of all pods. With the component's they never change: a Deployment's selector cannot.
  instance = {
    "app.kubernetes.io/name"     = local.project
    "app.kubernetes.io/instance" = var.name
  }
  labels = merge(local.instance, { "app.kubernetes.io/managed-by" = "terraform" })

  account = coalesce(var.account.name, var.account.create ? var.name : "default")
}
