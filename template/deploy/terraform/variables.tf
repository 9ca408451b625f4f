variable "environment" {
  description = "Whose values: those of deploy/environments/<environment>.yaml."
  type        = string
  nullable    = false
}

variable "context" {
  description = "The context of the cluster in the kubeconfig; its current one is never used."
  type        = string
  nullable    = false
}

variable "namespace" {
  description = "The namespace, which must exist."
  type        = string
  nullable    = false
}

variable "name" {
  description = "What this instance is called; empty is the project's name. The names of all objects begin with it."
  type        = string
  default     = ""
  nullable    = false
}

variable "values" {
  description = "Another file with the environment's values."
  type        = string
  default     = ""
  nullable    = false
}

variable "release" {
  description = "A second file of values, which wins: what a release adds, such as the digests of its images."
  type        = string
  default     = ""
  nullable    = false
}
