output "service" {
  description = "The Service that leads to the app."
  value       = module.app.service
}
