# The root as `terraform apply` runs it, without a cluster.

mock_provider "kubernetes" {}

run "an_environment_is_deployed_under_the_name_it_is_given" {
  command = plan
  variables {
    environment = "dev"
    context     = "none"
    namespace   = "somewhere"
    name        = "other"
  }
  assert {
    condition     = startswith(output.service, "other-")
    error_message = "The Service is ${output.service}."
  }
}
