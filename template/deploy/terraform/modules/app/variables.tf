# The parameters that every project has, by the names and with the defaults of deploy/values.schema.json, which says what
# each means. Those of an optional part are in its own file.

variable "name" {
  description = "What this instance is called: the names of all objects begin with it."
  type        = string
  nullable    = false
}

variable "namespace" {
  description = "The namespace, which must exist."
  type        = string
  nullable    = false
}

variable "backend" {
  description = "The API"
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
    condition     = var.backend.service.nodePort == 0 || var.backend.service.type != "ClusterIP"
    error_message = "backend.service.nodePort needs the type NodePort or LoadBalancer."
  }

  validation {
    condition     = local.shared_database || (var.backend.replicas <= 1 && !var.backend.autoscaling.enabled)
    error_message = "Without a database server each pod has a database of its own in memory, so the backend must stay alone: backend.replicas 1 and backend.autoscaling.enabled false."
  }
}

variable "images" {
  description = "What holds for every image"
  nullable    = false
  default     = {}

  type = object({
    pullPolicy  = optional(string, "IfNotPresent")
    pullSecrets = optional(list(string), [])
  })
}

variable "config" {
  description = "Settings of the app"
  nullable    = false
  default     = {}

  type = object({
    logLevel              = optional(string, "info")
    logFormat             = optional(string, "json")
    requestTimeoutSeconds = optional(number, 30)
    bodyLimit             = optional(number, 1048576)
    cacheSeconds          = optional(number, 30)
    drainSeconds          = optional(number, 5)
    shutdownSeconds       = optional(number, 20)
  })
}

variable "ingress" {
  description = "An Ingress, for any controller"
  nullable    = false
  default     = {}

  type = object({
    enabled     = optional(bool, false)
    className   = optional(string, "")
    annotations = optional(map(string), {})
    hosts = optional(list(object({
      host = string
      path = optional(string, "/")
    })), [])
    tls = optional(list(object({
      secretName = string
      hosts      = list(string)
    })), [])
  })

  validation {
    condition     = !var.ingress.enabled || length(var.ingress.hosts) > 0
    error_message = "An Ingress needs at least one name in ingress.hosts."
  }
}

variable "route" {
  description = "An HTTPRoute of the Gateway API, instead of an Ingress"
  nullable    = false
  default     = {}

  type = object({
    enabled     = optional(bool, false)
    annotations = optional(map(string), {})
    parents = optional(list(object({
      name        = string
      namespace   = optional(string, "")
      sectionName = optional(string, "")
    })), [])
    hostnames = optional(list(string), [])
    path      = optional(string, "/")
  })

  validation {
    condition     = !var.route.enabled || length(var.route.parents) > 0
    error_message = "An HTTPRoute needs at least one Gateway in route.parents: without any, nothing leads to the app."
  }
}

variable "network" {
  description = "NetworkPolicies: who may talk to the pods, and to whom they may"
  nullable    = false
  default     = {}

  type = object({
    enabled = optional(bool, true)
    allowFrom = optional(list(object({
      namespaceLabels = optional(map(string), {})
      podLabels       = optional(map(string), {})
    })), [])
    metricsFrom = optional(list(object({
      namespaceLabels = optional(map(string), {})
      podLabels       = optional(map(string), {})
    })), [])
    egressPorts = optional(list(number), [443, 5432, 6379])
  })
}

variable "account" {
  description = "The ServiceAccount of the pods, which gets no token and no rights"
  nullable    = false
  default     = {}

  type = object({
    create      = optional(bool, true)
    name        = optional(string, "")
    annotations = optional(map(string), {})
  })
}

variable "pod" {
  description = "What holds for every pod"
  nullable    = false
  default     = {}

  type = object({
    annotations  = optional(map(string), {})
    labels       = optional(map(string), {})
    nodeSelector = optional(map(string), {})
    tolerations = optional(list(object({
      key               = optional(string, "")
      operator          = optional(string, "Equal")
      value             = optional(string, "")
      effect            = optional(string, "")
      tolerationSeconds = optional(number, 0)
    })), [])
    affinity = optional(object({
      node = optional(object({
        required = optional(list(object({
          matchExpressions = list(object({ key = string, operator = string, values = optional(list(string), []) }))
        })), [])
        preferred = optional(list(object({
          weight           = number
          matchExpressions = list(object({ key = string, operator = string, values = optional(list(string), []) }))
        })), [])
      }), {})
      pod = optional(object({
        required  = optional(list(object({ topologyKey = string, matchLabels = optional(map(string), {}) })), [])
        preferred = optional(list(object({ weight = number, topologyKey = string, matchLabels = optional(map(string), {}) })), [])
      }), {})
      antiPod = optional(object({
        required  = optional(list(object({ topologyKey = string, matchLabels = optional(map(string), {}) })), [])
        preferred = optional(list(object({ weight = number, topologyKey = string, matchLabels = optional(map(string), {}) })), [])
      }), {})
    }), {})
    topologySpread = optional(list(object({
      maxSkew           = optional(number, 1)
      topologyKey       = string
      whenUnsatisfiable = optional(string, "ScheduleAnyway")
    })), [])
    priorityClassName = optional(string, "")
    securityContext = optional(object({
      runAsUser  = optional(number, 65532)
      runAsGroup = optional(number, 65532)
      fsGroup    = optional(number, 65532)
    }), {})
    containerSecurityContext = optional(object({
      capabilities = optional(list(string), [])
    }), {})
    extraVolumes = optional(list(object({
      name      = string
      configMap = optional(string, "")
      secret    = optional(string, "")
      emptyDir  = optional(string, "")
    })), [])
    extraVolumeMounts = optional(list(object({
      name      = string
      mountPath = string
      subPath   = optional(string, "")
      readOnly  = optional(bool, true)
    })), [])
  })
}

variable "metrics" {
  description = "Metrics for the Prometheus operator"
  nullable    = false
  default     = {}

  type = object({
    serviceMonitor = optional(object({
      enabled  = optional(bool, false)
      interval = optional(string, "30s")
      labels   = optional(map(string), {})
    }), {})
  })
}
