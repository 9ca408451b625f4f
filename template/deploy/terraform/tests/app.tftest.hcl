# What the module makes of its parameters, and what it refuses.

mock_provider "kubernetes" {}

variables {
  name      = "app"
  namespace = "somewhere"
}

run "a_digest_wins_over_a_tag" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    backend = { image = { repository = "registry.example/app", tag = "1.0.0", digest = "sha256:${sha256("")}" } }
  }
  assert {
    condition     = kubernetes_deployment_v1.component["backend"].spec[0].template[0].spec[0].container[0].image == "registry.example/app@sha256:${sha256("")}"
    error_message = "The image is not named by its digest."
  }
}

run "pods_get_no_token" {
  command = plan
  module {
    source = "./modules/app"
  }
  assert {
    condition     = alltrue([for one in kubernetes_deployment_v1.component : !one.spec[0].template[0].spec[0].automount_service_account_token])
    error_message = "A pod gets the token of its account."
  }
}

run "a_node_port_needs_a_type_that_has_one" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    backend = { service = { nodePort = 30080 } }
  }
  expect_failures = [var.backend]
}

run "with_a_database_in_memory_the_backend_stays_alone" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    backend = { replicas = 2 }
  }
  expect_failures = [var.backend]
}
