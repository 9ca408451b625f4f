# The app, with the values of an environment.

module "values" {
  source = "./modules/values"

  schema      = "${path.module}/../values.schema.json"
  environment = coalesce(var.values, "${path.module}/../environments/${var.environment}.yaml")
  release     = var.release
}

module "app" {
  source = "./modules/app"

  name      = coalesce(var.name, "acme-notes")
  namespace = var.namespace

  # What the documents do not say has the module's default.
  backend = try(module.values.merged.backend, null)
  images  = try(module.values.merged.images, null)
  config  = try(module.values.merged.config, null)
  ingress = try(module.values.merged.ingress, null)
  route   = try(module.values.merged.route, null)
  network = try(module.values.merged.network, null)
  account = try(module.values.merged.account, null)
  pod     = try(module.values.merged.pod, null)
  metrics = try(module.values.merged.metrics, null)
  secrets = try(module.values.merged.secrets, null)

  frontend = try(module.values.merged.frontend, null)

  worker    = try(module.values.merged.worker, null)
  scheduler = try(module.values.merged.scheduler, null)
  board     = try(module.values.merged.board, null)

  redis = try(module.values.merged.redis, null)

  postgres   = try(module.values.merged.postgres, null)
  migrations = try(module.values.merged.migrations, null)
}
