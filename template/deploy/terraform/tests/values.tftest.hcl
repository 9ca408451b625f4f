# How documents are read, merged and refused.

variables {
  schema      = "../values.schema.json"
  environment = "tests/documents/environment.yaml"
  release     = ""
}

run "maps_merge_and_lists_are_replaced" {
  command = plan
  module {
    source = "./modules/values"
  }
  variables {
    release = "tests/documents/release.yaml"
  }
  assert {
    condition = jsonencode(output.merged) == jsonencode({
      backend = {
        replicas  = 1
        env       = { LOG_LEVEL = "debug" }
        image     = { tag = "1.2.3" }
        resources = { requests = { cpu = "100m", memory = "128Mi" } }
      }
      network = { egressPorts = [8443] }
    })
    error_message = "Merged: ${jsonencode(output.merged)}"
  }
}

run "a_document_may_say_nothing" {
  command = plan
  module {
    source = "./modules/values"
  }
  variables {
    environment = "tests/documents/empty.yaml"
  }
  assert {
    condition     = length(output.merged) == 0
    error_message = "There is ${jsonencode(output.merged)}."
  }
}

run "an_unknown_parameter_is_refused" {
  command = plan
  module {
    source = "./modules/values"
  }
  variables {
    environment = "tests/documents/unknown.yaml"
  }
  expect_failures = [output.merged]
}

run "a_wrong_type_is_refused" {
  command = plan
  module {
    source = "./modules/values"
  }
  variables {
    environment = "tests/documents/wrong_type.yaml"
  }
  expect_failures = [output.merged]
}

run "a_value_that_is_not_allowed_is_refused" {
  command = plan
  module {
    source = "./modules/values"
  }
  variables {
    environment = "tests/documents/not_allowed.yaml"
  }
  expect_failures = [output.merged]
}
