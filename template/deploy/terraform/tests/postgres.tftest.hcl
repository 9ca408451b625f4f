# What the database asks of the other parameters.

mock_provider "kubernetes" {}

variables {
  name      = "app"
  namespace = "somewhere"
}

run "a_server_needs_its_secret" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    postgres = { mode = "external" }
  }
  expect_failures = [var.postgres]
}

run "an_autoscaler_alone_says_how_many" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    backend  = { autoscaling = { enabled = true } }
    postgres = { mode = "external" }
    secrets  = { values = { database_url = "postgres://app:<password>@db.example/app" } }
  }
  assert {
    condition     = kubernetes_horizontal_pod_autoscaler_v2.component["backend"].spec[0].max_replicas == 5
    error_message = "There is no autoscaler."
  }
  assert {
    condition     = kubernetes_secret_v1.secrets[0].data_wo == null
    error_message = "The plan holds a secret."
  }
}
