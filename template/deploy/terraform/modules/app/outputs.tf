output "service" {
  description = "The Service that leads to the app."
  value       = kubernetes_service_v1.component[local.entry].metadata[0].name
}
