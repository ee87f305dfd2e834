# The pipeline, where the load grows and shrinks: docs/dataflow.md says when. Its options, the subscription and the tables
# among them, were written into the template by `armazem dataflow template`.
resource "google_project_iam_member" "worker" {
  project = var.project
  role    = "roles/dataflow.worker"
  member  = google_service_account.account["worker"].member
}

resource "google_dataflow_job" "events" {
  count                   = var.dataflow_template == "" ? 0 : 1
  name                    = "armazem-events"
  region                  = var.region
  template_gcs_path       = var.dataflow_template
  temp_gcs_location       = "${google_storage_bucket.dataflow.url}/temp"
  service_account_email   = google_service_account.account["worker"].email
  max_workers             = var.dataflow_max_workers
  enable_streaming_engine = true
  # No address of their own on the internet: they reach Google's services only.
  ip_configuration = "WORKER_IP_PRIVATE"
  subnetwork       = var.dataflow_subnetwork
  # What it has is written before it ends.
  on_delete = "drain"
  depends_on = [
    google_project_iam_member.worker,
    google_bigquery_dataset_iam_member.grant,
    google_pubsub_subscription_iam_member.subscriber,
    google_storage_bucket_iam_member.dataflow_worker,
  ]
}
