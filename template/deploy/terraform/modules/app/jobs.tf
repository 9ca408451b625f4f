# What does the jobs, sends them and shows them: three programs of one image, which components.tf and deployments.tf deploy as
# they deploy the API.

variable "worker" {
  description = "What does the jobs"
  nullable    = false
  default     = {}

  type = object({
    enabled = optional(bool, false)
    image = optional(object({
      repository = optional(string) # The default is in services.tf.
      tag        = optional(string, "0.1.0")
      digest     = optional(string, "")
    }), {})
    queues   = optional(list(string), ["default", "bulk"])
    replicas = optional(number, 1)
    resources = optional(object({
      requests = optional(object({
        cpu    = optional(string, "50m")
        memory = optional(string, "64Mi")
      }), {})
      limits = optional(object({
        cpu    = optional(string, "1")
        memory = optional(string, "256Mi")
      }), {})
    }), {})
    env = optional(map(string), {})
    probes = optional(object({
      startup = optional(object({
        periodSeconds    = optional(number, 1)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 60)
      }), {})
      readiness = optional(object({
        periodSeconds    = optional(number, 2)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 2)
      }), {})
      liveness = optional(object({
        periodSeconds    = optional(number, 10)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 3)
      }), {})
    }), {})
    autoscaling = optional(object({
      enabled                        = optional(bool, false)
      minReplicas                    = optional(number, 2)
      maxReplicas                    = optional(number, 5)
      targetCPUUtilizationPercentage = optional(number, 80)
    }), {})
    disruption = optional(object({
      enabled        = optional(bool, true)
      maxUnavailable = optional(number, 1)
    }), {})
  })

  validation {
    condition     = !var.worker.enabled || local.shared_database
    error_message = "Jobs are rows of one database, so worker, scheduler and board need postgres.mode external."
  }

  validation {
    condition     = length(var.worker.queues) > 0
    error_message = "worker.queues needs at least one queue."
  }
}

variable "scheduler" {
  description = "What sends jobs to the workers when their time has come, and fires what is due by the clock"
  nullable    = false
  default     = {}

  type = object({
    enabled  = optional(bool, false)
    replicas = optional(number, 1)
    resources = optional(object({
      requests = optional(object({
        cpu    = optional(string, "50m")
        memory = optional(string, "64Mi")
      }), {})
      limits = optional(object({
        cpu    = optional(string, "1")
        memory = optional(string, "256Mi")
      }), {})
    }), {})
    env = optional(map(string), {})
    probes = optional(object({
      startup = optional(object({
        periodSeconds    = optional(number, 1)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 60)
      }), {})
      readiness = optional(object({
        periodSeconds    = optional(number, 2)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 2)
      }), {})
      liveness = optional(object({
        periodSeconds    = optional(number, 10)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 3)
      }), {})
    }), {})
    disruption = optional(object({
      enabled        = optional(bool, true)
      maxUnavailable = optional(number, 1)
    }), {})
  })

  validation {
    condition     = !var.scheduler.enabled || local.shared_database
    error_message = "Jobs are rows of one database, so worker, scheduler and board need postgres.mode external."
  }
}

variable "board" {
  description = "The dashboard of the jobs, behind a login"
  nullable    = false
  default     = {}

  type = object({
    enabled  = optional(bool, false)
    replicas = optional(number, 1)
    resources = optional(object({
      requests = optional(object({
        cpu    = optional(string, "50m")
        memory = optional(string, "64Mi")
      }), {})
      limits = optional(object({
        cpu    = optional(string, "1")
        memory = optional(string, "256Mi")
      }), {})
    }), {})
    env = optional(map(string), {})
    service = optional(object({
      type        = optional(string, "ClusterIP")
      port        = optional(number, 80)
      nodePort    = optional(number, 0)
      annotations = optional(map(string), {})
    }), {})
    probes = optional(object({
      startup = optional(object({
        periodSeconds    = optional(number, 1)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 60)
      }), {})
      readiness = optional(object({
        periodSeconds    = optional(number, 2)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 2)
      }), {})
      liveness = optional(object({
        periodSeconds    = optional(number, 10)
        timeoutSeconds   = optional(number, 4)
        failureThreshold = optional(number, 3)
      }), {})
    }), {})
    disruption = optional(object({
      enabled        = optional(bool, true)
      maxUnavailable = optional(number, 1)
    }), {})
  })

  validation {
    condition     = !var.board.enabled || local.shared_database
    error_message = "Jobs are rows of one database, so worker, scheduler and board need postgres.mode external."
  }

  validation {
    condition     = var.board.service.nodePort == 0 || var.board.service.type != "ClusterIP"
    error_message = "board.service.nodePort needs the type NodePort or LoadBalancer."
  }
}

locals {
  jobs = {
    for name, component in {
      worker = {
        values  = var.worker
        args    = ["run", "--queues", join(",", var.worker.queues)]
        port    = null
        callers = []
      }
      scheduler = {
        values  = var.scheduler
        args    = ["scheduler"]
        port    = null
        callers = []
      }
      board = {
        values  = var.board
        args    = ["board"]
        port    = 8082
        callers = var.network.allowFrom
      }
    } :
    name => merge(component, local.connection, {
      image        = var.worker.image
      repository   = local.worker_image
      probed       = "metrics"
      metrics_port = 9092
    })
    if component.values.enabled
  }
}
