# Credentials come from the file that KUBE_CONFIG_PATH names, as the state's do.
provider "kubernetes" {
  config_context = var.context
}
