output "images" {
  description = "Where to push images: its name, with /armazem:TAG behind it."
  value       = "${var.region}-docker.pkg.dev/${var.project}/${google_artifact_registry_repository.images.repository_id}"
}

output "inbox" {
  description = "Where to put files to load."
  value       = google_storage_bucket.inbox.url
}

output "topic" {
  description = "Where the shop sends its events."
  value       = google_pubsub_topic.events.id
}

output "subscription" {
  description = "For `armazem dataflow run --subscription`."
  value       = google_pubsub_subscription.events.id
}

output "dataflow_temp_location" {
  description = "For `armazem dataflow run --temp_location`."
  value       = "${google_storage_bucket.dataflow.url}/temp"
}

output "accounts" {
  description = "Service accounts, by what they are for."
  value       = { for name, account in google_service_account.account : name => account.email }
}

output "workload_identity_provider" {
  description = "For the variable GOOGLE_WORKLOAD_IDENTITY_PROVIDER of the repository on GitHub. Empty without one."
  value       = one(google_iam_workload_identity_pool_provider.github[*].name)
}

output "ci_account" {
  description = "For the variable GOOGLE_SERVICE_ACCOUNT of the repository on GitHub. Empty without one."
  value       = one(google_service_account.ci[*].email)
}
