# The cache that pods share: bounded, and empty after a restart.

variable "redis" {
  description = "The cache that pods share; without one, each has its own in memory"
  nullable    = false
  default     = {}

  type = object({
    mode = optional(string, "none")
    url  = optional(string, "")
    image = optional(object({
      repository = optional(string, "docker.io/library/redis")
      tag        = optional(string, "8-trixie")
      digest     = optional(string, "")
    }), {})
    maxMemory = optional(string, "64mb")
    resources = optional(object({
      requests = optional(object({
        cpu    = optional(string, "50m")
        memory = optional(string, "32Mi")
      }), {})
      limits = optional(object({
        cpu    = optional(string, "500m")
        memory = optional(string, "128Mi")
      }), {})
    }), {})
  })

  validation {
    condition = var.redis.mode != "external" || var.redis.url != "" || local.existing_secret != "" || contains(
      local.secret_names, "redis_url"
    )
    error_message = "An external Redis needs redis.url, or the secret redis_url: in secrets.existing or secrets.values."
  }

  validation {
    condition = var.redis.mode != "internal" || local.existing_secret != "" || length(setsubtract(
      ["redis_url", "redis_password"], local.secret_names
    )) == 0
    error_message = "An internal Redis needs the secrets redis_url and redis_password: in secrets.existing or secrets.values."
  }
}

locals {
  plain_url = var.redis.mode == "external" && var.redis.url != ""

  # As the API's pods see it.
  redis = {
    env = (
      local.plain_url ? [{ name = "REDIS_URL", value = var.redis.url }] :
      var.redis.mode != "none" ? [{ name = "REDIS_URL_FILE", value = "/run/secrets/redis_url" }] : []
    )
    secret = var.redis.mode != "none" && !local.plain_url
  }

  redis_labels = { "app.kubernetes.io/component" = "redis" }
  redis_check  = ["sh", "-c", "[ \"$(REDISCLI_AUTH=$(cat /run/secrets/redis_password) redis-cli ping)\" = PONG ]"]
}

resource "kubernetes_deployment_v1" "redis" {
  count = var.redis.mode == "internal" ? 1 : 0

  metadata {
    name      = "${var.name}-redis"
    namespace = var.namespace
    labels    = merge(local.labels, local.redis_labels)
  }
  # As for the components.
  wait_for_rollout = false

  spec {
    replicas                  = 1
    revision_history_limit    = 10
    progress_deadline_seconds = 600
    strategy {
      type = "RollingUpdate"
      rolling_update {
        max_unavailable = 0
        max_surge       = 1
      }
    }
    selector {
      match_labels = merge(local.instance, local.redis_labels)
    }

    template {
      metadata {
        labels      = merge(local.instance, local.redis_labels, var.pod.labels)
        annotations = merge(local.secret.annotations, var.pod.annotations)
      }

      spec {
        service_account_name             = local.account
        automount_service_account_token  = false
        enable_service_links             = false
        share_process_namespace          = false
        restart_policy                   = "Always"
        dns_policy                       = "ClusterFirst"
        node_selector                    = var.pod.nodeSelector
        priority_class_name              = var.pod.priorityClassName != "" ? var.pod.priorityClassName : null
        termination_grace_period_seconds = 30

        security_context {
          run_as_non_root = true
          # Nobody: the server needs no file of a user of its own.
          run_as_user  = 65532
          run_as_group = 65532
          fs_group     = 65532
          seccomp_profile {
            type = "RuntimeDefault"
          }
        }

        dynamic "image_pull_secrets" {
          for_each = var.images.pullSecrets
          content {
            name = image_pull_secrets.value
          }
        }

        dynamic "toleration" {
          for_each = var.pod.tolerations
          content {
            operator           = toleration.value.operator
            key                = toleration.value.key != "" ? toleration.value.key : null
            value              = toleration.value.value != "" ? toleration.value.value : null
            effect             = toleration.value.effect != "" ? toleration.value.effect : null
            toleration_seconds = toleration.value.tolerationSeconds != 0 ? toleration.value.tolerationSeconds : null
          }
        }

        container {
          name                     = "redis"
          image                    = "${var.redis.image.repository}${var.redis.image.digest != "" ? "@${var.redis.image.digest}" : ":${var.redis.image.tag}"}"
          image_pull_policy        = var.images.pullPolicy
          termination_message_path = "/dev/termination-log"
          # The password comes by standard input: an argument would show in `ps`. Only what expires is forgotten early.
          command = ["sh", "-c"]
          args = [
            <<-END_OF_SCRIPT
            exec redis-server - <<END
            maxmemory $REDIS_MAXMEMORY
            maxmemory-policy volatile-lru
            save ""
            dir /data
            requirepass $(cat /run/secrets/redis_password)
            END
            END_OF_SCRIPT
          ]
          env {
            name  = "REDIS_MAXMEMORY"
            value = var.redis.maxMemory
          }

          security_context {
            run_as_non_root            = true
            allow_privilege_escalation = false
            privileged                 = false
            read_only_root_filesystem  = true
            capabilities {
              drop = ["ALL"]
            }
          }
          resources {
            requests = var.redis.resources.requests
            limits   = var.redis.resources.limits
          }
          port {
            name           = "redis"
            container_port = 6379
            protocol       = "TCP"
          }
          startup_probe {
            exec {
              command = local.redis_check
            }
            period_seconds    = 1
            timeout_seconds   = 4
            failure_threshold = 60
            success_threshold = 1
          }
          readiness_probe {
            exec {
              command = local.redis_check
            }
            period_seconds    = 5
            timeout_seconds   = 4
            failure_threshold = 2
            success_threshold = 1
          }
          liveness_probe {
            exec {
              command = local.redis_check
            }
            period_seconds    = 10
            timeout_seconds   = 4
            failure_threshold = 3
            success_threshold = 1
          }
          volume_mount {
            name              = "data"
            mount_path        = "/data"
            mount_propagation = "None"
            read_only         = false
          }
          volume_mount {
            name              = "secrets"
            mount_path        = "/run/secrets"
            mount_propagation = "None"
            read_only         = true
          }
        }

        volume {
          name = "data"
          empty_dir {}
        }
        volume {
          name = "secrets"
          secret {
            secret_name  = local.secret.name
            default_mode = "0440"
            optional     = false
          }
        }
      }
    }
  }
}

resource "kubernetes_service_v1" "redis" {
  count = var.redis.mode == "internal" ? 1 : 0

  metadata {
    name      = "${var.name}-redis"
    namespace = var.namespace
    labels    = merge(local.labels, local.redis_labels)
  }
  spec {
    type             = "ClusterIP"
    session_affinity = "None"
    selector         = merge(local.instance, local.redis_labels)
    port {
      name        = "redis"
      port        = 6379
      target_port = "redis"
      protocol    = "TCP"
    }
  }
}

resource "kubernetes_network_policy_v1" "redis" {
  count = var.network.enabled && var.redis.mode == "internal" ? 1 : 0

  metadata {
    name      = "${var.name}-redis"
    namespace = var.namespace
    labels    = merge(local.labels, local.redis_labels)
  }
  spec {
    pod_selector {
      match_labels = merge(local.instance, local.redis_labels)
    }
    policy_types = ["Ingress"]
    ingress {
      ports {
        port     = 6379
        protocol = "TCP"
      }
      dynamic "from" {
        for_each = local.clients
        content {
          pod_selector {
            match_labels = merge(local.instance, { "app.kubernetes.io/component" = from.value })
          }
        }
      }
    }
  }
}
