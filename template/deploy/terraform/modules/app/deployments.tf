# A Deployment for each component of the app.

resource "kubernetes_deployment_v1" "component" {
  # checkov:skip=CKV_K8S_10,CKV_K8S_11,CKV_K8S_12,CKV_K8S_13,CKV_K8S_14,CKV_K8S_25:It does not look into each.value.
  for_each = local.components

  metadata {
    name      = "${var.name}-${each.key}"
    namespace = var.namespace
    labels    = merge(local.labels, { "app.kubernetes.io/component" = each.key })
  }
  # A rollout that fails while Terraform waits would leave the Deployment tainted, and the next apply would delete it.
  wait_for_rollout = false

  spec {
    # The autoscaler's alone, where there is one.
    replicas                  = try(each.value.values.autoscaling.enabled, false) ? null : each.value.values.replicas
    revision_history_limit    = 10
    progress_deadline_seconds = 600

    # A new pod serves before an old one ends.
    strategy {
      type = "RollingUpdate"
      rolling_update {
        max_unavailable = 0
        max_surge       = 1
      }
    }

    selector {
      match_labels = merge(local.instance, { "app.kubernetes.io/component" = each.key })
    }

    template {
      metadata {
        labels = merge(local.instance, { "app.kubernetes.io/component" = each.key }, var.pod.labels)
        # Pods are replaced when their settings change.
        annotations = merge(
          { "checksum/config" = sha256(jsonencode(local.config)) },
          try(each.value.secret.annotations, {}),
          var.pod.annotations,
        )
      }

      spec {
        service_account_name            = local.account
        automount_service_account_token = false
        enable_service_links            = false
        share_process_namespace         = false
        restart_policy                  = "Always"
        dns_policy                      = "ClusterFirst"
        node_selector                   = var.pod.nodeSelector
        priority_class_name             = var.pod.priorityClassName != "" ? var.pod.priorityClassName : null
        # Longer than the pod goes on serving and answering what is in flight.
        termination_grace_period_seconds = var.config.drainSeconds + var.config.shutdownSeconds + 5

        security_context {
          run_as_non_root = true
          run_as_user     = var.pod.securityContext.runAsUser
          run_as_group    = var.pod.securityContext.runAsGroup
          fs_group        = var.pod.securityContext.fsGroup
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

        dynamic "affinity" {
          for_each = anytrue([for near in var.pod.affinity : length(near.required) + length(near.preferred) > 0]) ? [var.pod.affinity] : []
          content {
            dynamic "node_affinity" {
              for_each = length(affinity.value.node.required) + length(affinity.value.node.preferred) > 0 ? [affinity.value.node] : []
              content {
                dynamic "required_during_scheduling_ignored_during_execution" {
                  for_each = length(node_affinity.value.required) > 0 ? [node_affinity.value.required] : []
                  content {
                    dynamic "node_selector_term" {
                      for_each = required_during_scheduling_ignored_during_execution.value
                      content {
                        dynamic "match_expressions" {
                          for_each = node_selector_term.value.matchExpressions
                          content {
                            key      = match_expressions.value.key
                            operator = match_expressions.value.operator
                            values   = match_expressions.value.values
                          }
                        }
                      }
                    }
                  }
                }
                dynamic "preferred_during_scheduling_ignored_during_execution" {
                  for_each = node_affinity.value.preferred
                  content {
                    weight = preferred_during_scheduling_ignored_during_execution.value.weight
                    preference {
                      dynamic "match_expressions" {
                        for_each = preferred_during_scheduling_ignored_during_execution.value.matchExpressions
                        content {
                          key      = match_expressions.value.key
                          operator = match_expressions.value.operator
                          values   = match_expressions.value.values
                        }
                      }
                    }
                  }
                }
              }
            }
            dynamic "pod_affinity" {
              for_each = length(affinity.value.pod.required) + length(affinity.value.pod.preferred) > 0 ? [affinity.value.pod] : []
              content {
                dynamic "required_during_scheduling_ignored_during_execution" {
                  for_each = pod_affinity.value.required
                  content {
                    topology_key = required_during_scheduling_ignored_during_execution.value.topologyKey
                    label_selector {
                      match_labels = required_during_scheduling_ignored_during_execution.value.matchLabels
                    }
                  }
                }
                dynamic "preferred_during_scheduling_ignored_during_execution" {
                  for_each = pod_affinity.value.preferred
                  content {
                    weight = preferred_during_scheduling_ignored_during_execution.value.weight
                    pod_affinity_term {
                      topology_key = preferred_during_scheduling_ignored_during_execution.value.topologyKey
                      label_selector {
                        match_labels = preferred_during_scheduling_ignored_during_execution.value.matchLabels
                      }
                    }
                  }
                }
              }
            }
            dynamic "pod_anti_affinity" {
              for_each = length(affinity.value.antiPod.required) + length(affinity.value.antiPod.preferred) > 0 ? [affinity.value.antiPod] : []
              content {
                dynamic "required_during_scheduling_ignored_during_execution" {
                  for_each = pod_anti_affinity.value.required
                  content {
                    topology_key = required_during_scheduling_ignored_during_execution.value.topologyKey
                    label_selector {
                      match_labels = required_during_scheduling_ignored_during_execution.value.matchLabels
                    }
                  }
                }
                dynamic "preferred_during_scheduling_ignored_during_execution" {
                  for_each = pod_anti_affinity.value.preferred
                  content {
                    weight = preferred_during_scheduling_ignored_during_execution.value.weight
                    pod_affinity_term {
                      topology_key = preferred_during_scheduling_ignored_during_execution.value.topologyKey
                      label_selector {
                        match_labels = preferred_during_scheduling_ignored_during_execution.value.matchLabels
                      }
                    }
                  }
                }
              }
            }
          }
        }

        dynamic "topology_spread_constraint" {
          for_each = var.pod.topologySpread
          content {
            max_skew           = topology_spread_constraint.value.maxSkew
            topology_key       = topology_spread_constraint.value.topologyKey
            when_unsatisfiable = topology_spread_constraint.value.whenUnsatisfiable
            label_selector {
              match_labels = merge(local.instance, { "app.kubernetes.io/component" = each.key })
            }
          }
        }

        # The same image and settings as the container's: HCL cannot say a block once for both.
        dynamic "init_container" {
          for_each = each.value.migrate ? ["migrate"] : []
          content {
            name                     = init_container.value
            args                     = ["migrate"]
            image                    = local.images[each.key]
            image_pull_policy        = var.images.pullPolicy
            termination_message_path = "/dev/termination-log"

            security_context {
              run_as_non_root            = true
              allow_privilege_escalation = false
              privileged                 = false
              read_only_root_filesystem  = true
              capabilities {
                drop = ["ALL"]
                add  = var.pod.containerSecurityContext.capabilities
              }
            }
            resources {
              requests = each.value.values.resources.requests
              limits   = each.value.values.resources.limits
            }
            env_from {
              config_map_ref {
                name     = kubernetes_config_map_v1.config.metadata[0].name
                optional = false
              }
            }
            dynamic "env" {
              for_each = local.env[each.key]
              content {
                name  = env.value.name
                value = env.value.value
              }
            }
            dynamic "volume_mount" {
              for_each = local.mounts[each.key]
              content {
                name              = volume_mount.value.name
                mount_path        = volume_mount.value.mountPath
                sub_path          = volume_mount.value.subPath != "" ? volume_mount.value.subPath : null
                mount_propagation = "None"
                read_only         = volume_mount.value.readOnly
              }
            }
          }
        }

        container {
          name                     = each.key
          args                     = each.value.args
          image                    = local.images[each.key]
          image_pull_policy        = var.images.pullPolicy
          termination_message_path = "/dev/termination-log"

          security_context {
            run_as_non_root            = true
            allow_privilege_escalation = false
            privileged                 = false
            read_only_root_filesystem  = true
            capabilities {
              drop = ["ALL"]
              add  = var.pod.containerSecurityContext.capabilities
            }
          }
          resources {
            requests = each.value.values.resources.requests
            limits   = each.value.values.resources.limits
          }
          env_from {
            config_map_ref {
              name     = kubernetes_config_map_v1.config.metadata[0].name
              optional = false
            }
          }
          dynamic "env" {
            for_each = local.env[each.key]
            content {
              name  = env.value.name
              value = env.value.value
            }
          }
          dynamic "volume_mount" {
            for_each = local.mounts[each.key]
            content {
              name              = volume_mount.value.name
              mount_path        = volume_mount.value.mountPath
              sub_path          = volume_mount.value.subPath != "" ? volume_mount.value.subPath : null
              mount_propagation = "None"
              read_only         = volume_mount.value.readOnly
            }
          }

          dynamic "port" {
            for_each = each.value.port[*]
            content {
              name           = "http"
              container_port = port.value
              protocol       = "TCP"
            }
          }
          port {
            name           = "metrics"
            container_port = each.value.metrics_port
            protocol       = "TCP"
          }
          startup_probe {
            http_get {
              path   = "/livez"
              port   = each.value.probed
              scheme = "HTTP"
            }
            period_seconds    = each.value.values.probes.startup.periodSeconds
            timeout_seconds   = each.value.values.probes.startup.timeoutSeconds
            failure_threshold = each.value.values.probes.startup.failureThreshold
            success_threshold = 1
          }
          readiness_probe {
            http_get {
              path   = "/readyz"
              port   = each.value.probed
              scheme = "HTTP"
            }
            period_seconds    = each.value.values.probes.readiness.periodSeconds
            timeout_seconds   = each.value.values.probes.readiness.timeoutSeconds
            failure_threshold = each.value.values.probes.readiness.failureThreshold
            success_threshold = 1
          }
          liveness_probe {
            http_get {
              path   = "/livez"
              port   = each.value.probed
              scheme = "HTTP"
            }
            period_seconds    = each.value.values.probes.liveness.periodSeconds
            timeout_seconds   = each.value.values.probes.liveness.timeoutSeconds
            failure_threshold = each.value.values.probes.liveness.failureThreshold
            success_threshold = 1
          }
        }

        volume {
          name = "tmp"
          empty_dir {}
        }
        dynamic "volume" {
          for_each = each.value.secret[*]
          content {
            name = "secrets"
            secret {
              secret_name  = volume.value.name
              default_mode = "0440"
              optional     = false
            }
          }
        }
        dynamic "volume" {
          for_each = var.pod.extraVolumes
          content {
            name = volume.value.name
            dynamic "config_map" {
              for_each = compact([volume.value.configMap])
              content {
                name         = config_map.value
                default_mode = "0444"
                optional     = false
              }
            }
            dynamic "secret" {
              for_each = compact([volume.value.secret])
              content {
                secret_name  = secret.value
                default_mode = "0440"
                optional     = false
              }
            }
            dynamic "empty_dir" {
              for_each = compact([volume.value.emptyDir])
              content {
                size_limit = empty_dir.value
              }
            }
          }
        }
      }
    }
  }
}

locals {
  # By its digest, else by its tag.
  images = {
    for name, component in local.components : name => join("", [
      coalesce(component.image.repository, component.repository),
      component.image.digest != "" ? "@${component.image.digest}" : ":${component.image.tag}",
    ])
  }

  env = {
    for name, component in local.components :
    name => concat(component.env, [for variable, value in component.values.env : { name = variable, value = value }])
  }

  mounts = {
    for name, component in local.components : name => concat(
      [{ name = "tmp", mountPath = "/tmp", subPath = "", readOnly = false }],
      [for secret in component.secret[*] : { name = "secrets", mountPath = "/run/secrets", subPath = "", readOnly = true }],
      var.pod.extraVolumeMounts,
    )
  }
}
