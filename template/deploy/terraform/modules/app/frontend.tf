# The parameters of the site, which components.tf deploys as it deploys the API.

variable "frontend" {
  description = "The site, and the proxy to the API"
  nullable    = false
  default     = {}

  type = object({
    image = optional(object({
      repository = optional(string) # The default is in services.tf.
      tag        = optional(string, "0.1.0")
      digest     = optional(string, "")
    }), {})
    replicas = optional(number, 1)
    resources = optional(object({
      requests = optional(object({
        cpu    = optional(string, "50m")
        memory = optional(string, "64Mi")
      }), {})
      limits = optional(object({
        cpu    = optional(string, "1")
        memory = optional(string, "128Mi")
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
    condition     = var.frontend.service.nodePort == 0 || var.frontend.service.type != "ClusterIP"
    error_message = "frontend.service.nodePort needs the type NodePort or LoadBalancer."
  }
}
