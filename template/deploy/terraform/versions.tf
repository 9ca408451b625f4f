terraform {
  # Write-only attributes keep the secrets out of the state.
  required_version = ">= 1.11"

  required_providers {
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = "~> 3.0"
    }
  }

  # The state lies beside the app, as a Secret; `terraform init -backend-config=…` says where (README.md).
  backend "kubernetes" {}
}
