# One account for each thing that runs, with no more than its commands need: docs/google-cloud.md, Roles.
locals {
  accounts = {
    loader     = "armazem load"
    builder    = "armazem build, rollback, status"
    reader     = "armazem sql, kpi; a BI tool"
    subscriber = "armazem subscribe"
    worker     = "workers of Dataflow"
    scheduler  = "starts the jobs, and may do nothing else"
  }
  # Who may run jobs of BigQuery. Neither the workers nor the scheduler do.
  queries = toset(["loader", "builder", "reader", "subscriber"])
}

resource "google_service_account" "account" {
  for_each     = local.accounts
  account_id   = "armazem-${each.key}"
  display_name = "Armazém: ${each.key}"
  description  = each.value
  depends_on   = [google_project_service.used]
}

resource "google_project_iam_member" "queries" {
  for_each = local.queries
  project  = var.project
  role     = "roles/bigquery.jobUser"
  member   = google_service_account.account[each.key].member
}
