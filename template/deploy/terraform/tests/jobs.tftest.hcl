# What jobs ask of the other parameters.

mock_provider "kubernetes" {}

variables {
  name      = "app"
  namespace = "somewhere"
}

run "jobs_need_a_database_that_all_pods_see" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    worker    = { enabled = true }
    scheduler = { enabled = true }
    board     = { enabled = true }
  }
  expect_failures = [var.worker, var.scheduler, var.board]
}

run "a_worker_has_queues" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    worker = { queues = [] }
  }
  expect_failures = [var.worker]
}

run "only_the_board_is_called" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    worker    = { enabled = true }
    scheduler = { enabled = true }
    board     = { enabled = true }
    postgres  = { mode = "external" }
    secrets   = { values = { database_url = "postgres://app:<password>@db.example/app" } }
  }
  assert {
    condition     = contains(keys(kubernetes_service_v1.component), "board") && !contains(keys(kubernetes_service_v1.component), "worker")
    error_message = "There are Services of ${join(", ", keys(kubernetes_service_v1.component))}."
  }
  assert {
    condition     = length(toset([for name in ["worker", "scheduler", "board"] : kubernetes_deployment_v1.component[name].spec[0].template[0].spec[0].container[0].image])) == 1
    error_message = "The three programs are of several images."
  }
}
