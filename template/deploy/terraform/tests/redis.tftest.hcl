# What the cache asks of the other parameters.

mock_provider "kubernetes" {}

variables {
  name      = "app"
  namespace = "somewhere"
}

run "one_of_yours_needs_an_address" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    redis = { mode = "external" }
  }
  expect_failures = [var.redis]
}

run "one_in_the_namespace_needs_a_password" {
  command = plan
  module {
    source = "./modules/app"
  }
  variables {
    redis = { mode = "internal" }
  }
  expect_failures = [var.redis]
}
