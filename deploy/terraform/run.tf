# Cloud Run: the subscriber, always on, and two jobs. Not the server: it needs a disk that stays (deploy/cloud-run/README.md).
locals {
  run = var.image == "" ? 0 : 1
  # The same for all three.
  environment = {
    ARMAZEM_BIGQUERY_PROJECT        = var.project
    ARMAZEM_BIGQUERY_LOCATION       = var.location
    ARMAZEM_BIGQUERY_DATASET_PREFIX = var.dataset_prefix
    ARMAZEM_TIME_ZONE               = var.time_zone
  }
}

resource "google_cloud_run_v2_worker_pool" "subscriber" {
  count               = var.subscribers > 0 ? local.run : 0
  name                = "armazem-subscriber"
  location            = var.region
  deletion_protection = false # it holds nothing
  scaling {
    manual_instance_count = var.subscribers
  }
  template {
    service_account = google_service_account.account["subscriber"].email
    containers {
      image = var.image
      args  = ["subscribe", "pubsub:${var.project}/${google_pubsub_subscription.events.name}", "--target", "bigquery"]
      dynamic "env" {
        for_each = local.environment
        content {
          name  = env.key
          value = env.value
        }
      }
      resources {
        limits = { cpu = "1", memory = "1Gi" }
      }
    }
  }
  depends_on = [google_bigquery_dataset_iam_member.grant, google_pubsub_subscription_iam_member.subscriber]
}

resource "google_cloud_run_v2_job" "load" {
  count               = local.run
  name                = "armazem-load"
  location            = var.region
  deletion_protection = false
  template {
    parallelism = 1
    task_count  = 1
    template {
      service_account = google_service_account.account["loader"].email
      max_retries     = 1
      timeout         = "3600s"
      containers {
        image = var.image
        args  = ["load", "gs://${google_storage_bucket.inbox.name}", "--partial", "--target", "bigquery"]
        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }
        resources {
          # Downloads lie in memory.
          limits = { cpu = "2", memory = "4Gi" }
        }
      }
    }
  }
  depends_on = [google_bigquery_dataset_iam_member.grant, google_storage_bucket_iam_member.inbox_loader]
}

resource "google_cloud_run_v2_job" "build" {
  count               = local.run
  name                = "armazem-build"
  location            = var.region
  deletion_protection = false
  template {
    parallelism = 1
    task_count  = 1
    template {
      service_account = google_service_account.account["builder"].email
      # An audit that fails fails again, and bills again.
      max_retries = 0
      timeout     = "10800s"
      containers {
        image = var.image
        args  = ["build", "--target", "bigquery"]
        dynamic "env" {
          for_each = local.environment
          content {
            name  = env.key
            value = env.value
          }
        }
        resources {
          limits = { cpu = "1", memory = "2Gi" }
        }
      }
    }
  }
  depends_on = [google_bigquery_dataset_iam_member.grant]
}

locals {
  scheduled = { for job, when in {
    armazem-load  = var.load_schedule
    armazem-build = var.build_schedule
  } : job => when if local.run == 1 }
}

resource "google_cloud_run_v2_job_iam_member" "scheduler" {
  for_each   = local.scheduled
  name       = each.key
  location   = var.region
  role       = "roles/run.invoker"
  member     = google_service_account.account["scheduler"].member
  depends_on = [google_cloud_run_v2_job.load, google_cloud_run_v2_job.build]
}

resource "google_cloud_scheduler_job" "start" {
  for_each         = local.scheduled
  name             = each.key
  description      = "Starts the job ${each.key}."
  region           = var.region
  schedule         = each.value
  time_zone        = var.time_zone
  attempt_deadline = "180s"
  retry_config {
    retry_count = 3
  }
  http_target {
    http_method = "POST"
    uri         = "https://run.googleapis.com/v2/projects/${var.project}/locations/${var.region}/jobs/${each.key}:run"
    oauth_token {
      service_account_email = google_service_account.account["scheduler"].email
    }
  }
  depends_on = [google_cloud_run_v2_job_iam_member.scheduler]
}
