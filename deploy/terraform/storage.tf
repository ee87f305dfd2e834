# Files to load.
resource "google_storage_bucket" "inbox" {
  name                        = "${var.project}-armazem-inbox"
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  # A file that is written over by mistake can be had again.
  versioning {
    enabled = true
  }
  lifecycle_rule {
    condition {
      age = var.inbox_days
    }
    action {
      type = "Delete"
    }
  }
  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 7
    }
    action {
      type = "Delete"
    }
  }
  depends_on = [google_project_service.used]
}

resource "google_storage_bucket_iam_member" "inbox_loader" {
  bucket = google_storage_bucket.inbox.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.account["loader"].member
}

resource "google_storage_bucket_iam_member" "inbox_uploader" {
  for_each = var.uploaders
  bucket   = google_storage_bucket.inbox.name
  role     = "roles/storage.objectCreator"
  member   = each.value
}

# Temporary files and templates of Dataflow. Temporary ones are deleted; soft delete would bill them for a week more.
resource "google_storage_bucket" "dataflow" {
  name                        = "${var.project}-armazem-dataflow"
  location                    = var.location
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false
  soft_delete_policy {
    retention_duration_seconds = 0
  }
  lifecycle_rule {
    condition {
      age            = 7
      matches_prefix = ["temp/"]
    }
    action {
      type = "Delete"
    }
  }
  depends_on = [google_project_service.used]
}

resource "google_storage_bucket_iam_member" "dataflow_worker" {
  bucket = google_storage_bucket.dataflow.name
  role   = "roles/storage.objectAdmin"
  member = google_service_account.account["worker"].member
}
