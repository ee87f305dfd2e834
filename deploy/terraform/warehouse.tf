# The datasets, made beforehand, so that no account may make any; who reads and who writes each.
locals {
  # What they hold: docs/google-cloud.md, Datasets.
  datasets = {
    raw      = "The rows of every load and event, the ledger, what was rejected. Personal data."
    audit    = "What a build works on, its lock. Personal data."
    kept     = "Tables of the last builds. Personal data."
    staging  = "One cleaned table per source table."
    marts    = "Dimensions and facts: what to query."
    kpis     = "The KPI tables."
    features = "Features at a point in time, and what is predicted of them."
    own      = "A user's own models."
    live     = "Views on the published tables and on the events since."
    meta     = "What builds say of themselves."
  }
  published = ["staging", "marts", "kpis", "features", "own", "live", "meta"]
  built     = concat(["audit", "kept"], local.published)
  read      = concat(local.published, var.readers_see_live ? ["raw"] : [])

  # Account, role and dataset, as docs/google-cloud.md has them.
  grants = concat(
    [for account in ["loader", "subscriber", "worker"] : { account = account, role = "dataEditor", dataset = "raw" }],
    [{ account = "builder", role = "dataViewer", dataset = "raw" }],
    [for dataset in local.built : { account = "builder", role = "dataEditor", dataset = dataset }],
    [for dataset in local.read : { account = "reader", role = "dataViewer", dataset = dataset }],
  )
}

resource "google_bigquery_dataset" "dataset" {
  for_each    = local.datasets
  dataset_id  = "${var.dataset_prefix}${each.key}"
  description = each.value
  location    = var.location
  # No default expiration: tables of raw and kept would go with it.
  delete_contents_on_destroy = false
  depends_on                 = [google_project_service.used]
}

resource "google_bigquery_dataset_iam_member" "grant" {
  for_each   = { for grant in local.grants : "${grant.account} ${grant.role} ${grant.dataset}" => grant }
  dataset_id = google_bigquery_dataset.dataset[each.value.dataset].dataset_id
  role       = "roles/bigquery.${each.value.role}"
  member     = google_service_account.account[each.value.account].member
}

resource "google_bigquery_dataset_iam_member" "reader" {
  for_each   = { for pair in setproduct(var.readers, local.read) : "${pair[0]} ${pair[1]}" => pair }
  dataset_id = google_bigquery_dataset.dataset[each.value[1]].dataset_id
  role       = "roles/bigquery.dataViewer"
  member     = each.value[0]
}
